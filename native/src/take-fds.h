/* Descriptors that come over a socket. */
#ifndef FDGRAFT_TAKE_FDS_H
#define FDGRAFT_TAKE_FDS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/*
 * Takes the descriptors of a message: up to `room` go to `fds`, and *count grows by as many. False if there is anything else,
 * or more of them, or if the kernel had no room for all; those that have no place in `fds` are closed.
 */
bool take_fds(struct msghdr *message, int *fds, size_t room, size_t *count);

void close_fds(const int *fds, size_t count);

#endif
