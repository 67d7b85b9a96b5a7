/* Sockets in directories that are open: a path may be longer than a socket's name can be. */
#ifndef FDGRAFT_UNIX_SOCKET_H
#define FDGRAFT_UNIX_SOCKET_H

#include <stdbool.h>
#include <sys/socket.h>

/* The directory may have a path of any length, the name in it not. */
bool unix_name_fits(int directory, const char *name);

/* Each returns a descriptor with close-on-exec, or -1 with errno. */
int unix_bind(int directory, const char *name, int type);
int unix_connect(int directory, const char *name, int type);

/* Who has the other end, as this process's namespaces number it: 0, or -1 with errno. */
int unix_peer(int connection, struct ucred *peer);

/* True for root and for this process's own user. 65534 is who has no number here. */
bool is_trusted(uid_t uid);

#endif
