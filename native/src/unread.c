#include "unread.h"

#include <stdlib.h>

#include "message.h"

/* By what the caller's descriptor is open on, then as in the plan. */
static int by_file(const void *left, const void *right)
{
	const struct unread_part *a = left;
	const struct unread_part *b = right;
	int order = caller_compare_files(a->caller, b->caller);

	return order ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

int unread_collect(struct unread_pipes *unread, const struct plan *plan, const struct callers *callers)
{
	size_t parts = 0;

	*unread = (struct unread_pipes){0};
	if (plan->unread_count == 0)
		return 0;
	unread->parts = calloc(plan->unread_count, sizeof(*unread->parts));
	unread->list = calloc(plan->unread_count, sizeof(*unread->list));
	if (!unread->parts || !unread->list) {
		message("out of memory for %zu records of unread bytes", plan->unread_count);
		unread_free(unread);
		return -1;
	}
	for (size_t i = 0; i < plan->unread_count; i++) {
		struct unread_bytes *bytes = &plan->unread[i];
		const struct caller *caller = caller_find(callers, plan->grafts[bytes->graft].caller_fd);

		/* choose() says that these are wrong. */
		if (!caller || caller->kind == CALLER_CLOSED || caller->kind == CALLER_PATH || caller->kind == CALLER_DIRECTORY ||
		    caller->kind == CALLER_ANONYMOUS)
			continue;
		unread->parts[parts++] = (struct unread_part){.bytes = bytes, .caller = caller};
	}
	qsort(unread->parts, parts, sizeof(*unread->parts), by_file);
	for (size_t i = 0; i < parts; i++) {
		if (i == 0 || caller_compare_files(unread->parts[i].caller, unread->parts[i - 1].caller) != 0)
			unread->list[unread->count++].parts = &unread->parts[i];
		unread->list[unread->count - 1].count++;
	}
	return 0;
}

static int goes_to(const void *caller, const void *pipe)
{
	return caller_compare_files(caller, ((const struct unread_pipe *)pipe)->parts[0].caller);
}

struct unread_pipe *unread_into(const struct unread_pipes *unread, const struct caller *caller)
{
	if (unread->count == 0)
		return NULL;
	return bsearch(caller, unread->list, unread->count, sizeof(*unread->list), goes_to);
}

void unread_limit(struct unread_pipes *unread, const struct plan *plan, const struct callers *callers,
		      const struct targets *targets)
{
	size_t kept = 0;

	for (size_t i = 0; i < targets->count; i++) {
		const struct graft *graft = &plan->grafts[targets->list[i].graft];
		const struct caller *caller = graft->needs_read ? caller_find(callers, graft->caller_fd) : NULL;
		struct unread_pipe *pipe;

		if (!caller || caller->kind == CALLER_CLOSED)
			continue;
		pipe = unread_into(unread, caller);
		if (pipe)
			pipe->is_read = true;
	}
	for (size_t i = 0; i < unread->count; i++)
		if (unread->list[i].is_read)
			unread->list[kept++] = unread->list[i];
	unread->count = kept;
}

void unread_free(struct unread_pipes *unread)
{
	free(unread->parts);
	free(unread->list);
	*unread = (struct unread_pipes){0};
}
