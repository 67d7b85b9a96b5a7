/* Warnings of tasks that may not write where their file of the caller goes on: their limit RLIMIT_FSIZE. */
#ifndef FDGRAFT_SIZE_CHECK_H
#define FDGRAFT_SIZE_CHECK_H

#include "caller.h"
#include "plan.h"

/* After choose() and cuts_check(). -1 has said why. */
int sizes_check(const struct plan *plan, const struct callers *callers);

#endif
