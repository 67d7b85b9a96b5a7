/* The tasks' credentials for access to files, as the plan has them. */
#ifndef FDGRAFT_CREDENTIALS_H
#define FDGRAFT_CREDENTIALS_H

#include "plan.h"

/* The credentials of one task: an index into plan->head->credentials. */
struct task_credentials {
	uint32_t pid;
	uint32_t credentials;
};

/* Checks all of them against the format and fills plan->tasks. -1 has said why. */
int credentials_check(struct plan *plan);

/* The task's, or NULL where the plan has none. */
const struct task_credentials *credentials_of(const struct plan *plan, uint32_t pid);

#endif
