/* The seals of the caller's file beside those of the memfd that it stands in for. */
#ifndef FDGRAFT_SEALS_H
#define FDGRAFT_SEALS_H

#include "caller.h"

/* Warns of seals that only one of the two has. Seals that make writes fail are refused elsewhere (choose.c). */
void warn_of_seals(const struct plan *plan, const struct caller *caller, const struct graft *graft);

#endif
