/* The sessions of the caller's terminals. */
#ifndef FDGRAFT_SESSION_CHECK_H
#define FDGRAFT_SESSION_CHECK_H

#include "caller.h"
#include "plan.h"

/*
 * Refuses a terminal that a living session has, where the leader of a restored one takes it: the kernel lets CRIU take it
 * away. -1 has said why.
 */
int sessions_check(const struct plan *plan, const struct callers *callers);

#endif
