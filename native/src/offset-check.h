/* Warnings of placeholders that go on at another offset than before, or at one that others write to. */
#ifndef FDGRAFT_OFFSET_CHECK_H
#define FDGRAFT_OFFSET_CHECK_H

#include "caller.h"

/* After choose(). -1 has said why: no memory. */
int offsets_check(const struct plan *plan, const struct callers *callers);

#endif
