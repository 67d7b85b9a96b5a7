/* Opening what others put there. */
#ifndef FDGRAFT_OPEN_REGULAR_H
#define FDGRAFT_OPEN_REGULAR_H

/*
 * Opens a regular file or a directory for reading. Anything else is not opened, since that can start what a device does
 * or wake who waits at a FIFO: the descriptor then only names it (O_PATH), and fstat tells what it is. no_follow: 0 or
 * O_NOFOLLOW. -1 with errno.
 */
int open_regular(int directory, const char *name, int no_follow);

#endif
