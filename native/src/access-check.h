/* Whether the restored tasks could open the caller's files again by their path. */
#ifndef FDGRAFT_ACCESS_CHECK_H
#define FDGRAFT_ACCESS_CHECK_H

#include "caller.h"

/*
 * A task that opens /proc/self/fd/N, as /dev/stdout is, needs permission for the caller's file: by its owner, group and
 * mode, which is what is looked at. Where it has none, that is a warning() with the command that gives it. Sockets and
 * the like cannot be opened so at all. -1 has said why (a system error).
 */
int access_check(const struct plan *plan, const struct callers *callers);

#endif
