/* The sessions of the caller's terminals. */
#ifndef FDGRAFT_SESSION_CHECK_H
#define FDGRAFT_SESSION_CHECK_H

#include <stdbool.h>

#include "caller.h"
#include "plan.h"

/*
 * Refuses a terminal that a living session has, if the leader of a restored one takes it, and one that two leaders take. If the restored tasks get the
 * session of COMMAND, warns of a terminal that is not its controlling one; session_is_ours: COMMAND runs in the session of
 * this process. -1 has said why.
 */
int sessions_check(const struct plan *plan, const struct callers *callers, bool session_is_ours);

#endif
