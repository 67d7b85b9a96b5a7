/* Warnings of placeholders that get one file, or one open file, and move each other's offset or write over each other. */
#ifndef FDGRAFT_SHARED_OFFSET_CHECK_H
#define FDGRAFT_SHARED_OFFSET_CHECK_H

#include "caller.h"

/* After choose(). -1 has said why: no memory. */
int shared_offsets_check(const struct plan *plan, const struct callers *callers);

#endif
