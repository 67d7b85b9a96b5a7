#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "by-value.h"
#include "clear-dup.h"
#include "cloexec-list.h"
#include "debug-texts.h"
#include "exit-codes.h"
#include "launch.h"
#include "limit.h"
#include "message.h"
#include "nonblock.h"
#include "reopen.h"
#include "stderr-sink.h"
#include "unread-copies.h"

/* What the work needs of the numbers: those of the task, and a source for each placeholder out of their way. */
struct sources {
	uint32_t *reserved; /* ascending: the numbers of the task and of the caller */
	size_t reserved_count;
	int *by_graft; /* -1: not one of this task */
};

static int prepare(struct sources *sources, const struct plan *plan, const struct callers *callers,
		   const struct targets *targets)
{
	*sources = (struct sources){
		.reserved = calloc(targets->count + callers->count, sizeof(uint32_t)),
		.by_graft = calloc(plan->graft_count, sizeof(int)),
	};
	if (!sources->reserved || !sources->by_graft) {
		message("out of memory");
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++)
		sources->by_graft[i] = -1;
	for (size_t i = 0; i < targets->count; i++)
		sources->reserved[sources->reserved_count++] = targets->list[i].fd;
	for (size_t i = 0; i < callers->count; i++)
		sources->reserved[sources->reserved_count++] = callers->list[i].number;
	qsort(sources->reserved, sources->reserved_count, sizeof(uint32_t), by_value);
	return 0;
}

static int open_source(struct sources *sources, const struct plan *plan, const struct callers *callers, uint32_t graft)
{
	const struct graft *wanted = &plan->grafts[graft];
	const struct caller *caller = caller_find(callers, wanted->caller_fd);
	int fd = wanted->reopen ? reopen(caller, wanted) : caller->fd;

	if (fd >= 0) {
		sources->by_graft[graft] = dup_clear_of(fd, sources->reserved, sources->reserved_count);
		if (wanted->reopen) {
			int error = errno;

			close(fd);
			errno = error;
		}
	}
	if (fd >= 0 && sources->by_graft[graft] >= 0)
		return 0;
	message("caller fd %u: cannot %s it for file id %u: %s", wanted->caller_fd, wanted->reopen ? "open" : "dup",
		wanted->file_id, cause_of(errno));
	return -1;
}

/* The numbers of the task have to be possible here; COMMAND gets its limit back. */
static int make_room(const struct targets *targets, struct rlimit *before)
{
	uint32_t highest = targets->list[targets->count - 1].fd;

	if (limit_raise(before))
		return EXIT_SYSTEM;
	if (highest < before->rlim_max)
		return 0;
	message("descriptor %u of the task is not possible under the hard limit of %llu descriptors; raise it (ulimit -Hn)",
		highest, (unsigned long long)before->rlim_max);
	return EXIT_UNUSABLE;
}

/* stderr may be one of the numbers that change hands. */
static int keep_stderr(const struct sources *sources)
{
	int fd;

	if (fcntl(STDERR_FILENO, F_GETFD) < 0)
		return 0;
	fd = dup_clear_of(STDERR_FILENO, sources->reserved, sources->reserved_count);
	if (fd < 0) {
		message("cannot dup stderr: %s", cause_of(errno));
		return -1;
	}
	stderr_sink_fd(fd);
	return 0;
}

static int put_in_place(const struct plan *plan, const struct sources *sources, const struct targets *targets)
{
	for (size_t i = 0; i < plan->head->n_specs; i++)
		if (plan->head->specs[i]->matches > 0)
			close((int)plan->head->specs[i]->caller_fd);
	for (size_t i = 0; i < targets->count; i++) {
		const struct target *target = &targets->list[i];

		/* dup2 leaves close-on-exec clear. */
		if (dup2(sources->by_graft[target->graft], (int)target->fd) < 0) {
			message("cannot put caller fd %u at descriptor %u: %s", plan->grafts[target->graft].caller_fd, target->fd,
				cause_of(errno));
			return -1;
		}
	}
	return 0;
}

/* The unread bytes, O_NONBLOCK and the cuts go last: nothing but COMMAND itself can fail after them. */
static int deliver_and_run(const struct options *options, struct unread_copies *copies, struct nonblocks *nonblocks,
			   const struct cuts *cuts)
{
	int code = EXIT_SYSTEM;

	if (cuts_ready(cuts) || unread_copies_deliver(copies))
		return EXIT_SYSTEM;
	if (nonblocks_set(nonblocks) == 0 && cuts_make(cuts) == 0) {
		code = run_command(options->command);
		for (size_t i = 0; i < cuts->count; i++)
			message("caller fd %u: its file is cut to %llu bytes already", cuts->list[i].caller_fd,
				(unsigned long long)cuts->list[i].size);
	}
	nonblocks_take_back(nonblocks);
	unread_copies_take_back(copies);
	return code;
}

static int place_and_run(const struct options *options, const struct plan *plan, const struct callers *callers,
			 const struct targets *targets, struct sources *sources, struct unread_copies *copies,
			 struct nonblocks *nonblocks, const struct cuts *cuts, const struct rlimit *before)
{
	for (size_t i = 0; i < targets->count; i++)
		if (sources->by_graft[targets->list[i].graft] < 0 &&
		    open_source(sources, plan, callers, targets->list[i].graft))
			return EXIT_SYSTEM;
	if (keep_stderr(sources) || cloexec_list_set(targets) || debug_write(plan) ||
	    put_in_place(plan, sources, targets))
		return EXIT_SYSTEM;
	if (limit_set_back(before))
		return EXIT_SYSTEM;
	return deliver_and_run(options, copies, nonblocks, cuts);
}

int run_task(const struct options *options, const struct plan *plan, const struct callers *callers,
	     const struct targets *targets, const struct unread_pipes *unread, struct cuts *cuts, int directory)
{
	struct sources sources = {0};
	struct unread_copies copies = {0};
	struct nonblocks nonblocks = {0};
	struct rlimit before;
	int code;

	if (options->check)
		return 0;
	/* A cut cannot be taken back. */
	code = cuts->count > 0 ? look_for_command(options->command[0]) : 0;
	if (code == 0)
		code = make_room(targets, &before);
	if (code == 0 && (prepare(&sources, plan, callers, targets) ||
			  unread_copies_fill(&copies, unread, plan, directory, sources.reserved, sources.reserved_count) ||
			  cuts_hold(cuts, sources.reserved, sources.reserved_count) ||
			  nonblocks_collect(&nonblocks, plan, callers, targets) ||
			  nonblocks_hold(&nonblocks, sources.reserved, sources.reserved_count)))
		code = EXIT_SYSTEM;
	if (code == 0)
		code = place_and_run(options, plan, callers, targets, &sources, &copies, &nonblocks, cuts, &before);
	unread_copies_free(&copies);
	nonblocks_free(&nonblocks);
	free(sources.reserved);
	free(sources.by_graft);
	return code;
}
