/* The descriptors that a task of the checkpoint had and that are inherited now. */
#ifndef FDGRAFT_TARGETS_H
#define FDGRAFT_TARGETS_H

#include "plan.h"

struct target {
	uint32_t fd;
	uint32_t graft; /* index into plan->grafts */
	bool close_on_exec;
};

struct targets {
	struct target *list; /* ascending fd */
	size_t count;
};

/* Returns 0 or an exit code, which is said: the plan has no such task, or gives one of its descriptors twice. */
int targets_collect(struct targets *targets, const struct plan *plan, uint32_t pid);
void targets_free(struct targets *targets);

#endif
