#include "targets.h"

#include <stdlib.h>

#include "by-value.h"
#include "exit-codes.h"
#include "message.h"
#include "text.h"

/* So that the message stays readable. */
#define NAMED_PIDS 50

struct collecting {
	struct targets *targets;
	size_t room;
	uint32_t pid;
	uint32_t *pids; /* all that the plan names */
	size_t pid_count;
	size_t pid_room;
};

static int by_fd(const void *left, const void *right)
{
	uint32_t a = ((const struct target *)left)->fd;
	uint32_t b = ((const struct target *)right)->fd;

	return (a > b) - (a < b);
}

static size_t drop_doubles(uint32_t *numbers, size_t count)
{
	size_t used = 0;

	if (count == 0)
		return 0;
	qsort(numbers, count, sizeof(*numbers), by_value);
	for (size_t i = 1; i < count; i++)
		if (numbers[i] != numbers[used])
			numbers[++used] = numbers[i];
	return used + 1;
}

static int add_pid(struct collecting *collecting, uint32_t pid)
{
	if (collecting->pid_count == collecting->pid_room) {
		uint32_t *pids;

		/* Most pids come many times. */
		collecting->pid_count = drop_doubles(collecting->pids, collecting->pid_count);
		if (2 * collecting->pid_count >= collecting->pid_room) {
			size_t room = collecting->pid_room ? 2 * collecting->pid_room : 64;

			pids = reallocarray(collecting->pids, room, sizeof(*pids));
			if (!pids)
				return -1;
			collecting->pids = pids;
			collecting->pid_room = room;
		}
	}
	collecting->pids[collecting->pid_count++] = pid;
	return 0;
}

static int add_target(struct collecting *collecting, struct target target)
{
	struct targets *targets = collecting->targets;

	if (targets->count == collecting->room) {
		size_t room = collecting->room ? 2 * collecting->room : 16;
		struct target *list = reallocarray(targets->list, room, sizeof(*list));

		if (!list)
			return -1;
		targets->list = list;
		collecting->room = room;
	}
	targets->list[targets->count++] = target;
	return 0;
}

static int collect(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset)
{
	struct collecting *collecting = context;

	(void)offset;
	for (size_t i = 0; i < placeholder->n_references; i++) {
		const Fdgraft__PlanReference *reference = placeholder->references[i];
		const Fdgraft__PlanDescriptor *descriptor;
		bool has = false;

		if (reference->holder_case != FDGRAFT__PLAN_REFERENCE__HOLDER_DESCRIPTOR)
			continue;
		descriptor = reference->descriptor;
		for (size_t k = 0; k < descriptor->n_pids; k++) {
			has = has || descriptor->pids[k] == collecting->pid;
			if (add_pid(collecting, descriptor->pids[k]))
				goto out_of_memory;
		}
		if (has && add_target(collecting, (struct target){.fd = descriptor->fd,
								  .graft = (uint32_t)number,
								  .close_on_exec = descriptor->close_on_exec}))
			goto out_of_memory;
	}
	return 0;
out_of_memory:
	message("out of memory");
	return EXIT_SYSTEM;
}

static void name_pids(const struct plan *plan, struct collecting *collecting)
{
	struct text names = {0};
	size_t count = drop_doubles(collecting->pids, collecting->pid_count);
	size_t named = count > NAMED_PIDS ? NAMED_PIDS : count;
	int failed = 0;

	for (size_t i = 0; !failed && i < named; i++)
		failed = text_add(&names, "%s%u", i ? ", " : "", collecting->pids[i]);
	if (!failed && count > named)
		failed = text_add(&names, " and %zu more", count - named);
	message("%s: no task %u has an inherited descriptor; tasks that have: %s", plan->shown_path, collecting->pid,
		failed || !names.length ? "none" : names.bytes);
	text_free(&names);
}

int targets_collect(struct targets *targets, const struct plan *plan, uint32_t pid)
{
	struct collecting collecting = {.targets = targets, .pid = pid};
	int result;

	*targets = (struct targets){0};
	result = plan_each(plan, collect, &collecting);
	if (result < 0)
		result = EXIT_UNUSABLE;
	if (result == 0 && targets->count == 0) {
		name_pids(plan, &collecting);
		result = EXIT_UNUSABLE;
	}
	free(collecting.pids);
	if (targets->count > 0)
		qsort(targets->list, targets->count, sizeof(*targets->list), by_fd);
	for (size_t i = 1; result == 0 && i < targets->count; i++)
		if (targets->list[i].fd == targets->list[i - 1].fd) {
			message("%s: task %u has descriptor %u twice, of file ids %u and %u; write the plan again with fdgraft rewrite",
				plan->shown_path, pid, targets->list[i].fd, plan->grafts[targets->list[i - 1].graft].file_id,
				plan->grafts[targets->list[i].graft].file_id);
			result = EXIT_UNUSABLE;
		}
	if (result)
		targets_free(targets);
	return result;
}

void targets_free(struct targets *targets)
{
	free(targets->list);
	*targets = (struct targets){0};
}
