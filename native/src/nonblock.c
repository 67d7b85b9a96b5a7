#include "nonblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clear-dup.h"
#include "message.h"

/* An open file that is opened again has flags of its own. */
static bool is_shared(const struct caller *caller, const struct graft *graft)
{
	return graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP || caller_is_dup_only(caller);
}

/* The open file gets it, at whatever numbers it is. */
static void mark_all(struct callers *callers, const struct caller *marked)
{
	for (size_t i = 0; i < callers->count; i++) {
		struct caller *caller = &callers->list[i];

		if (caller->kind == marked->kind && caller_compare_open_files(caller, marked) == 0)
			caller->gets_nonblock = true;
	}
}

void nonblocks_mark(const struct plan *plan, struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct caller *caller = graft->set_nonblock ? caller_find(callers, graft->caller_fd) : NULL;

		/* A plan can name any number of closed ones. */
		if (caller && caller->kind != CALLER_CLOSED && !caller->gets_nonblock && is_shared(caller, graft))
			mark_all(callers, caller);
	}
}

int nonblocks_collect(struct nonblocks *nonblocks, const struct plan *plan, const struct callers *callers,
		      const struct targets *targets)
{
	size_t most = targets ? targets->count : plan->graft_count;
	bool *listed = calloc(callers->count + 1, sizeof(*listed));

	*nonblocks = (struct nonblocks){.list = calloc(callers->count + 1, sizeof(*nonblocks->list))};
	if (!listed || !nonblocks->list) {
		free(listed);
		message("out of memory");
		return -1;
	}
	for (size_t i = 0; i < most; i++) {
		const struct graft *graft = &plan->grafts[targets ? targets->list[i].graft : i];
		const struct caller *caller = graft->set_nonblock ? caller_find(callers, graft->caller_fd) : NULL;

		if (!caller || listed[caller - callers->list] || !is_shared(caller, graft))
			continue;
		listed[caller - callers->list] = true;
		nonblocks->list[nonblocks->count++] =
			(struct nonblock){.caller_fd = caller->number, .source = caller->fd, .fd = -1};
	}
	free(listed);
	return 0;
}

int nonblocks_hold(struct nonblocks *nonblocks, const uint32_t *taken, size_t taken_count)
{
	for (size_t i = 0; i < nonblocks->count; i++) {
		struct nonblock *nonblock = &nonblocks->list[i];

		nonblock->fd = dup_clear_of(nonblock->source, taken, taken_count);
		if (nonblock->fd < 0) {
			message("caller fd %u: cannot dup it: %s", nonblock->caller_fd, cause_of(errno));
			return -1;
		}
	}
	return 0;
}

int nonblocks_set(struct nonblocks *nonblocks)
{
	for (size_t i = 0; i < nonblocks->count; i++) {
		struct nonblock *nonblock = &nonblocks->list[i];
		int flags = fcntl(nonblock->fd, F_GETFL);

		if (flags >= 0 && (flags & O_NONBLOCK))
			continue;
		if (flags < 0 || fcntl(nonblock->fd, F_SETFL, flags | O_NONBLOCK)) {
			message("caller fd %u: cannot set O_NONBLOCK: %s", nonblock->caller_fd, cause_of(errno));
			nonblocks_take_back(nonblocks);
			return -1;
		}
		nonblock->set = true;
	}
	return 0;
}

void nonblocks_take_back(struct nonblocks *nonblocks)
{
	for (size_t i = 0; i < nonblocks->count; i++) {
		struct nonblock *nonblock = &nonblocks->list[i];
		int flags = nonblock->set ? fcntl(nonblock->fd, F_GETFL) : -1;

		if (flags >= 0 && fcntl(nonblock->fd, F_SETFL, flags & ~O_NONBLOCK))
			message("caller fd %u: cannot clear O_NONBLOCK again: %s", nonblock->caller_fd, cause_of(errno));
		nonblock->set = false;
	}
}

void nonblocks_free(struct nonblocks *nonblocks)
{
	for (size_t i = 0; i < nonblocks->count; i++)
		if (nonblocks->list[i].fd >= 0)
			close(nonblocks->list[i].fd);
	free(nonblocks->list);
	*nonblocks = (struct nonblocks){0};
}
