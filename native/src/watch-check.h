/* Whether an epoll of the checkpoint can watch what takes the place of what it watched. */
#ifndef FDGRAFT_WATCH_CHECK_H
#define FDGRAFT_WATCH_CHECK_H

#include "caller.h"

/* What cannot be watched is a problem(): CRIU would fail when it adds the watch again. -1 has said why (a system error). */
int watches_check(const struct plan *plan, const struct callers *callers);

#endif
