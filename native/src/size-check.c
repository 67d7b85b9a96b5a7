#include "size-check.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "credentials.h"
#include "message.h"
#include "reopen.h"

#define WAY_OUT "give a pipe to a program that writes the file, or run after the restore: prlimit --pid %u --fsize=unlimited"

/* For each caller fd the first task that is told of. */
struct stop {
	bool found;
	bool at_once; /* its next write */
	uint32_t pid;
	uint32_t spec;
	uint32_t file_id;
	uint64_t limit;
	uint64_t at;
};

struct checking {
	const struct plan *plan;
	const struct callers *callers;
	struct stop *stops; /* of each caller */
};

/* The offset of the entry's next write, as far as it is known before the start. */
static uint64_t next_write(const struct caller *caller, const struct graft *graft)
{
	int flags = graft->reopen ? reopened_flags(caller, graft) : caller->flags;
	uint64_t end = (uint64_t)caller->status.st_size;
	off_t offset;

	if (graft->end_is_known)
		end = graft->end;
	if (flags & O_APPEND || graft->position == FDGRAFT__PLAN_POSITION__POSITION_END)
		return end;
	if (graft->position == FDGRAFT__PLAN_POSITION__POSITION_SAVED)
		return graft->saved_offset;
	offset = lseek(caller->fd, 0, SEEK_CUR);
	return offset < 0 ? 0 : (uint64_t)offset;
}

static void check_task(struct stop *stop, const struct plan *plan, const struct graft *graft, uint64_t at, uint32_t pid)
{
	const struct task_credentials *task = credentials_of(plan, pid);
	const Fdgraft__PlanCredentials *credentials = task ? plan->head->credentials[task->credentials] : NULL;
	bool at_once;

	if (!credentials || !credentials->has_file_size)
		return;
	at_once = at >= credentials->file_size;
	/* A file of the task's own had this limit before. A pipe had none. */
	if ((!at_once && graft->has_offset) || (stop->found && (stop->at_once || !at_once)))
		return;
	*stop = (struct stop){.found = true,
			      .at_once = at_once,
			      .pid = pid,
			      .spec = graft->spec,
			      .file_id = graft->file_id,
			      .limit = credentials->file_size,
			      .at = at};
}

static int check_placeholder(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset)
{
	struct checking *checking = context;
	const struct graft *graft = &checking->plan->grafts[number];
	const struct caller *caller = caller_find(checking->callers, graft->caller_fd);
	struct stop *stop;
	uint64_t at;

	(void)offset;
	if (graft->refused || !graft->needs_write || !caller || !S_ISREG(caller->status.st_mode) || caller->kind != CALLER_FILE)
		return 0;
	stop = &checking->stops[caller - checking->callers->list];
	at = next_write(caller, graft);
	for (size_t i = 0; i < placeholder->n_references; i++) {
		const Fdgraft__PlanReference *reference = placeholder->references[i];

		if (reference->holder_case != FDGRAFT__PLAN_REFERENCE__HOLDER_DESCRIPTOR)
			continue;
		for (size_t k = 0; k < reference->descriptor->n_pids; k++)
			check_task(stop, checking->plan, graft, at, reference->descriptor->pids[k]);
	}
	return 0;
}

static void tell(const struct plan *plan, const struct caller *caller, const struct stop *stop)
{
	struct shown spec;

	show_spec(&spec, plan, stop->spec);
	if (stop->at_once)
		warning("caller fd %u: file id %u goes on at byte %llu of your file (spec %s), and task %u gets SIGXFSZ for a write at byte %llu or later (RLIMIT_FSIZE); " WAY_OUT,
			caller->number, stop->file_id, (unsigned long long)stop->at, spec.text, stop->pid,
			(unsigned long long)stop->limit, stop->pid);
	else
		warning("caller fd %u is a file, and file id %u was none (spec %s): task %u gets SIGXFSZ when it has written %llu bytes (RLIMIT_FSIZE); " WAY_OUT,
			caller->number, stop->file_id, spec.text, stop->pid, (unsigned long long)(stop->limit - stop->at), stop->pid);
}

static bool has_limits(const struct plan *plan)
{
	for (size_t i = 0; i < plan->head->n_credentials; i++)
		if (plan->head->credentials[i]->has_file_size)
			return true;
	return false;
}

int sizes_check(const struct plan *plan, const struct callers *callers)
{
	struct checking checking = {.plan = plan, .callers = callers};
	int result;

	if (!has_limits(plan) || callers->count == 0)
		return 0;
	checking.stops = calloc(callers->count, sizeof(*checking.stops));
	if (!checking.stops) {
		message("out of memory for %zu caller fds", callers->count);
		return -1;
	}
	result = plan_each(plan, check_placeholder, &checking);
	for (size_t i = 0; result == 0 && i < callers->count; i++)
		if (checking.stops[i].found)
			tell(plan, &callers->list[i], &checking.stops[i]);
	free(checking.stops);
	return result;
}
