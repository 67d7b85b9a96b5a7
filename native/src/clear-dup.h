/* Dups that stay clear of numbers which others need. */
#ifndef FDGRAFT_CLEAR_DUP_H
#define FDGRAFT_CLEAR_DUP_H

#include "plan.h"

/* A close-on-exec dup of fd at a number that is not in `taken` (ascending) and not below 3; -1 with errno. */
int dup_clear_of(int fd, const uint32_t *taken, size_t count);

/* A close-on-exec dup of fd at a number that the plan does not name; closes fd. -1 has said why. */
int dup_clear_of_callers(int fd, const struct plan *plan);

#endif
