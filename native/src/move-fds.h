/* Descriptors out of each other's way. */
#ifndef FDGRAFT_MOVE_FDS_H
#define FDGRAFT_MOVE_FDS_H

#include "caller.h"

/*
 * Dups each caller fd to a high number that survives an exec; caller->fd becomes that number. Low enough to stay clear of
 * the top of the descriptor table, where CRIU keeps its own. -1 has said why.
 */
int move_high(struct callers *callers);

/* A close-on-exec dup of fd at a number that the plan does not name; closes fd. -1 has said why. */
int move_off_callers(int fd, const struct plan *plan);

/* A close-on-exec dup of fd at a number that is not in `taken` (ascending) and not below 3; -1 with errno. */
int dup_clear_of(int fd, const uint32_t *taken, size_t count);

#endif
