/* debug[N]:TEXT specs. */
#ifndef FDGRAFT_DEBUG_TEXTS_H
#define FDGRAFT_DEBUG_TEXTS_H

#include "plan.h"

/* Descriptors that cannot be written to are problems. -1 on a system error, which is said. */
int debug_check(const struct plan *plan);

/* Writes every text whole. -1 has said why. */
int debug_write(const struct plan *plan);

#endif
