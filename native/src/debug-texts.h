/* debug[N]:TEXT specs. */
#ifndef FDGRAFT_DEBUG_TEXTS_H
#define FDGRAFT_DEBUG_TEXTS_H

#include "cuts.h"
#include "plan.h"
#include "unread.h"

/* Descriptors that cannot be written to are problems. -1 on a system error, which is said. */
int debug_check(const struct plan *plan);

/* Texts into a pipe that gets unread bytes, and into a file that is going to be cut, are problems: the texts are written before. */
void debug_refuse(const struct plan *plan, const struct unread_pipes *unread, const struct cuts *cuts);

/* Writes every text whole. -1 has said why. */
int debug_write(const struct plan *plan);

#endif
