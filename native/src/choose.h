/* For each placeholder: a dup of the caller's descriptor, or an open file of its own. */
#ifndef FDGRAFT_CHOOSE_H
#define FDGRAFT_CHOOSE_H

#include "caller.h"

/*
 * Decides graft->reopen for every placeholder; all that does not fit is a problem(). `attempt`: also open, and close again,
 * what is going to be reopened, where that has no effect on others. -1 has said why (a system error).
 */
int choose(struct plan *plan, struct callers *callers, bool attempt);

size_t count_reopened(const struct plan *plan);

#endif
