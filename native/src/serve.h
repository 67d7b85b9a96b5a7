/* --serve: keeps the caller fds in this process, for a restore that a service starts. */
#ifndef FDGRAFT_SERVE_H
#define FDGRAFT_SERVE_H

#include "caller.h"
#include "options.h"

/*
 * COMMAND, if there is one, is a child, which gets the signals that come here. Returns what to exit with: COMMAND's own
 * status; without COMMAND 0 when all is fetched. Nothing fetched in time, or by the end of COMMAND, is EXIT_SYSTEM.
 */
int serve(const struct options *options, const struct plan *plan, const struct callers *callers);

#endif
