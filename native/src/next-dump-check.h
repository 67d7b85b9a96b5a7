/* Whether the restored tasks can be dumped again. */
#ifndef FDGRAFT_NEXT_DUMP_CHECK_H
#define FDGRAFT_NEXT_DUMP_CHECK_H

#include "caller.h"

/*
 * A file, a named FIFO, or a device such as /dev/null of the host, for tasks with a mount namespace of their own, is a warning(): CRIU looks for the
 * mount of each open path among those of the tasks, and fails.
 */
void next_dump_check(const struct plan *plan, const struct callers *callers);

#endif
