/* Warnings of placeholders that go on at another offset than before. */
#ifndef FDGRAFT_OFFSET_CHECK_H
#define FDGRAFT_OFFSET_CHECK_H

#include "caller.h"

/* After choose(). */
void offsets_check(const struct plan *plan, const struct callers *callers);

#endif
