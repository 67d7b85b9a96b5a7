/*
 * Restored jobs whose session is the caller's, that of the shell that criu restore is run from. The shell knows CRIU as its job,
 * not the groups of the restored tasks, so CRIU stands for them.
 */
#ifndef FDGRAFT_FOREGROUND_H
#define FDGRAFT_FOREGROUND_H

#include <stdbool.h>
#include <sys/types.h>

#include "caller.h"
#include "plan.h"

/* Notes the terminal of a job, if it is the controlling terminal of this process. -1 has said why. */
int foreground_hold(const struct plan *plan, const struct callers *callers);

/*
 * For each restored task, before it runs: if its group had the foreground at the dump, and the group of this process has it
 * now, it gets it, and the terminal keeps the settings of the dump. From the first task on, CRIU stops when its child
 * stops (^Z). A key, or the fg and bg of the shell, then reaches the child's group too.
 */
void foreground_give(pid_t task);

/* Takes the foreground back for the group of this process. unless_alive: but not from a restored group that still lives. */
void foreground_end(bool unless_alive);

#endif
