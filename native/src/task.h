/* --task: the inherited descriptors of one task, without CRIU. */
#ifndef FDGRAFT_TASK_H
#define FDGRAFT_TASK_H

#include "cuts.h"
#include "options.h"
#include "unread.h"

/* Returns only what to exit with. Where options->check is set it stops before anything is changed. */
int run_task(const struct options *options, const struct plan *plan, const struct callers *callers,
	     const struct targets *targets, const struct unread_pipes *unread, struct cuts *cuts, int directory);

#endif
