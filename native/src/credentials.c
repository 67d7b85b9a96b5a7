#include "credentials.h"

#include <limits.h>
#include <stdlib.h>

#include "message.h"

#define WRITE_AGAIN "write the plan again with fdgraft rewrite"
/* -1 is no id, so none of a range can be. */
#define ID_END ((uint64_t)UINT32_MAX)

static int by_pid(const void *left, const void *right)
{
	uint32_t a = ((const struct task_credentials *)left)->pid;
	uint32_t b = ((const struct task_credentials *)right)->pid;

	return (a > b) - (a < b);
}

/* Says what is wrong with the values of one record. */
static const char *wrong_credentials(const Fdgraft__PlanCredentials *one)
{
	if (one->uid == UINT32_MAX || one->gid == UINT32_MAX)
		return "4294967295 is no id of a user or group";
	for (size_t i = 0; i < one->n_pids; i++) {
		if (one->pids[i] == 0 || one->pids[i] > PID_NUMBER_MAX)
			return "a pid is not from 1 to 2147483647";
		if (i > 0 && one->pids[i] <= one->pids[i - 1])
			return "its pids do not ascend";
	}
	if (one->n_groups > TASK_GROUPS_MAX)
		return "more than 65536 groups";
	for (size_t i = 0; i < one->n_groups; i++) {
		if (one->groups[i] == UINT32_MAX)
			return "4294967295 is no id of a user or group";
		if (i > 0 && one->groups[i] <= one->groups[i - 1])
			return "its groups do not ascend";
	}
	return NULL;
}

static bool overlap(uint32_t one, uint32_t one_count, uint32_t other, uint32_t other_count)
{
	return one < (uint64_t)other + other_count && other < (uint64_t)one + one_count;
}

static const char *wrong_ranges(Fdgraft__PlanIdRange *const *ranges, size_t count)
{
	if (count > ID_RANGES_MAX)
		return "more than 340 ranges";
	for (size_t i = 0; i < count; i++) {
		const Fdgraft__PlanIdRange *range = ranges[i];

		if (range->count == 0)
			return "a range of no ids";
		if ((uint64_t)range->inside + range->count > ID_END || (uint64_t)range->outside + range->count > ID_END)
			return "a range past the largest id";
		if (i > 0 && range->inside <= ranges[i - 1]->inside)
			return "its ranges do not ascend";
		for (size_t k = 0; k < i; k++)
			if (overlap(range->inside, range->count, ranges[k]->inside, ranges[k]->count) ||
			    overlap(range->outside, range->count, ranges[k]->outside, ranges[k]->count))
				return "two of its ranges overlap";
	}
	return NULL;
}

static int check_namespace(const struct plan *plan)
{
	const Fdgraft__PlanUserNamespace *namespace = plan->head->user_namespace;
	const char *wrong = NULL;

	if (namespace)
		wrong = wrong_ranges(namespace->uids, namespace->n_uids);
	if (namespace && !wrong)
		wrong = wrong_ranges(namespace->gids, namespace->n_gids);
	if (!wrong)
		return 0;
	message("%s: head, user namespace: %s; " WRITE_AGAIN, plan->shown_path, wrong);
	return -1;
}

static int collect_tasks(struct plan *plan, size_t count)
{
	const Fdgraft__PlanHead *head = plan->head;

	if (count == 0)
		return 0;
	plan->tasks = calloc(count, sizeof(*plan->tasks));
	if (!plan->tasks) {
		message("%s: out of memory for %zu tasks", plan->shown_path, count);
		return -1;
	}
	for (size_t i = 0; i < head->n_credentials; i++)
		for (size_t k = 0; k < head->credentials[i]->n_pids; k++)
			plan->tasks[plan->task_count++] = (struct task_credentials){
				.pid = head->credentials[i]->pids[k],
				.credentials = (uint32_t)i,
			};
	qsort(plan->tasks, count, sizeof(*plan->tasks), by_pid);
	for (size_t i = 1; i < count; i++)
		if (plan->tasks[i].pid == plan->tasks[i - 1].pid) {
			message("%s: head: task %u has credentials twice; " WRITE_AGAIN, plan->shown_path, plan->tasks[i].pid);
			return -1;
		}
	return 0;
}

int credentials_check(struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->head->n_credentials; i++) {
		const char *wrong = wrong_credentials(plan->head->credentials[i]);

		if (wrong) {
			message("%s: head, credentials %zu: %s; " WRITE_AGAIN, plan->shown_path, i, wrong);
			return -1;
		}
		count += plan->head->credentials[i]->n_pids;
	}
	return check_namespace(plan) || collect_tasks(plan, count) ? -1 : 0;
}

const struct task_credentials *credentials_of(const struct plan *plan, uint32_t pid)
{
	struct task_credentials key = {.pid = pid};

	if (plan->task_count == 0)
		return NULL;
	return bsearch(&key, plan->tasks, plan->task_count, sizeof(key), by_pid);
}
