/*
 * What the launcher tells the plugin in the environment:
 *
 *   FDGRAFT_SOCKET = SHA256:PATH
 *
 * The digest of the plan as 64 hexadecimal digits, and where the socket is.
 */
#ifndef FDGRAFT_SOCKET_VARIABLE_H
#define FDGRAFT_SOCKET_VARIABLE_H

#include <limits.h>

#include "sha256.h"

#define SOCKET_ENV "FDGRAFT_SOCKET"

struct socket_variable {
	char digest[SHA256_HEX + 1];
	char directory[PATH_MAX]; /* that the socket is in */
};

/* 0, or -1 with errno. `directory`: a start's directory. */
int socket_variable_set(const char *digest, const char *directory);

/* -1: not in this form; nothing is said. */
int socket_variable_read(struct socket_variable *variable, const char *text);

#endif
