#include "cuts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clear-dup.h"
#include "locked.h"
#include "message.h"
#include "reopen.h"

static int by_file(const void *left, const void *right)
{
	const struct cut *a = left;
	const struct cut *b = right;
	int order = caller_compare_files(a->caller, b->caller);

	return order ? order : (a->graft > b->graft) - (a->graft < b->graft);
}

/* True where the descriptor is none to cut a file through; said here, or by choose(). */
static bool refuse_caller(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct shown spec;

	if (caller->kind == CALLER_CLOSED || caller->kind == CALLER_PATH || caller->kind == CALLER_DIRECTORY)
		return true;
	show_spec(&spec, plan, graft->spec);
	if (!S_ISREG(caller->status.st_mode)) {
		problem("caller fd %u is %s (spec %s), and truncate cuts a regular file; give one, or leave truncate out",
			caller->number, S_ISBLK(caller->status.st_mode) ? "a block device" : caller_kind_name(caller->kind),
			spec.text);
		return true;
	}
	if (caller_can_write(caller))
		return false;
	/* Where the entry writes, that is said already. */
	if (!graft->needs_write)
		problem("caller fd %u is open for only reading (spec %s), and truncate cuts its file; open it for reading and writing",
			caller->number, spec.text);
	return true;
}

static int collect(struct cuts *cuts, const struct plan *plan, const struct callers *callers, const struct targets *targets)
{
	size_t most = targets ? targets->count : plan->graft_count;
	uint32_t last = UINT32_MAX;

	*cuts = (struct cuts){.list = calloc(most + 1, sizeof(*cuts->list))};
	if (!cuts->list) {
		message("out of memory");
		return -1;
	}
	for (size_t i = 0; i < most; i++) {
		uint32_t number = targets ? targets->list[i].graft : (uint32_t)i;
		const struct graft *graft = &plan->grafts[number];
		const struct caller *caller = graft->cuts && number != last ? caller_find(callers, graft->caller_fd) : NULL;

		last = number;
		if (caller && !refuse_caller(plan, caller, graft))
			cuts->list[cuts->count++] = (struct cut){
				.caller = caller, .graft = graft, .caller_fd = caller->number, .size = graft->cut_to, .fd = -1};
	}
	qsort(cuts->list, cuts->count, sizeof(*cuts->list), by_file);
	return 0;
}

/* One cut a file. */
static void merge(struct cuts *cuts, const struct plan *plan)
{
	size_t used = 0;

	for (size_t i = 1; i < cuts->count; i++) {
		const struct cut *last = &cuts->list[used];
		const struct cut *cut = &cuts->list[i];
		struct shown spec, other;

		if (caller_compare_files(last->caller, cut->caller) != 0) {
			cuts->list[++used] = *cut;
			continue;
		}
		if (cut->size == last->size)
			continue;
		problem("caller fd %u (spec %s) and caller fd %u (spec %s) are one file, and file id %u cuts it to %llu bytes, file id %u to %llu; give each a file of its own, or leave truncate out of one",
			last->caller_fd, show_spec(&spec, plan, last->graft->spec), cut->caller_fd,
			show_spec(&other, plan, cut->graft->spec), last->graft->file_id, (unsigned long long)last->size,
			cut->graft->file_id, (unsigned long long)cut->size);
	}
	if (cuts->count > 0)
		cuts->count = used + 1;
}

static void check_file(const struct cut *cut, const struct plan *plan)
{
	uint64_t size = (uint64_t)cut->caller->status.st_size;
	const char *lock = locked_against_cuts(cut->caller);
	struct shown spec;

	show_spec(&spec, plan, cut->graft->spec);
	if (lock)
		problem("caller fd %u (spec %s): its file cannot be cut: %s; give another file, or leave truncate out", cut->caller_fd,
			spec.text, lock);
	if (size < cut->size)
		problem("caller fd %u (spec %s): its file has %llu bytes, and truncate cuts it to the %llu that the dump recorded, it never makes it longer; give the file that the tasks wrote, or leave truncate out",
			cut->caller_fd, spec.text, (unsigned long long)size, (unsigned long long)cut->size);
	else if (size > cut->size)
		warning("caller fd %u (spec %s): %llu bytes past %llu are cut off", cut->caller_fd, spec.text,
			(unsigned long long)(size - cut->size), (unsigned long long)cut->size);
}

static int goes_to(const void *caller, const void *cut)
{
	return caller_compare_files(caller, ((const struct cut *)cut)->caller);
}

const struct cut *cut_of(const struct cuts *cuts, const struct caller *caller)
{
	if (cuts->count == 0)
		return NULL;
	return bsearch(caller, cuts->list, cuts->count, sizeof(*cuts->list), goes_to);
}

/* A write past the end leaves zeros in between, which nobody wants of a log. */
static void check_offset(const struct plan *plan, const struct caller *caller, const struct graft *graft, uint64_t size)
{
	int flags = graft->reopen ? reopened_flags(caller, graft) : caller->flags;
	off_t offset = graft->position == FDGRAFT__PLAN_POSITION__POSITION_SAVED ? (off_t)graft->saved_offset :
										    lseek(caller->fd, 0, SEEK_CUR);
	struct shown spec;

	if (!graft->needs_write || (flags & O_APPEND) || graft->position == FDGRAFT__PLAN_POSITION__POSITION_END ||
	    offset < 0 || (uint64_t)offset <= size)
		return;
	warning("caller fd %u (spec %s): file id %u goes on at offset %lld of a file that is cut to %llu bytes, and a write there leaves zeros in between; use position %s",
		caller->number, show_spec(&spec, plan, graft->spec), graft->file_id, (long long)offset, (unsigned long long)size,
		graft->position == FDGRAFT__PLAN_POSITION__POSITION_SAVED ? "end" : "saved or end");
}

/* Others on the same file have to know where it ends, too. */
static void tell_grafts(const struct cuts *cuts, struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; cuts->count > 0 && i < plan->graft_count; i++) {
		struct graft *graft = &plan->grafts[i];
		const struct caller *caller = caller_find(callers, graft->caller_fd);
		const struct cut *cut = graft->refused || !caller ? NULL : cut_of(cuts, caller);

		if (!cut)
			continue;
		graft->end_is_known = true;
		graft->end = cut->size;
		check_offset(plan, caller, graft, cut->size);
	}
}

int cuts_check(struct cuts *cuts, struct plan *plan, const struct callers *callers, const struct targets *targets)
{
	if (collect(cuts, plan, callers, targets))
		return -1;
	merge(cuts, plan);
	for (size_t i = 0; i < cuts->count; i++)
		check_file(&cuts->list[i], plan);
	tell_grafts(cuts, plan, callers);
	return 0;
}

int cuts_hold(struct cuts *cuts, const uint32_t *taken, size_t taken_count)
{
	for (size_t i = 0; i < cuts->count; i++) {
		struct cut *cut = &cuts->list[i];

		cut->fd = dup_clear_of(cut->caller->fd, taken, taken_count);
		if (cut->fd < 0) {
			message("caller fd %u: cannot dup it: %s", cut->caller_fd, cause_of(errno));
			return -1;
		}
		/* Both are gone when the file is cut. */
		cut->caller = NULL;
		cut->graft = NULL;
	}
	return 0;
}

int cuts_ready(const struct cuts *cuts)
{
	for (size_t i = 0; i < cuts->count; i++) {
		const struct cut *cut = &cuts->list[i];
		struct stat status;

		if (fstat(cut->fd, &status)) {
			message("caller fd %u: cannot look at its file: %s", cut->caller_fd, cause_of(errno));
			return -1;
		}
		if ((uint64_t)status.st_size < cut->size) {
			message("caller fd %u: something made its file shorter during the restore: it has %llu bytes, and the dump recorded %llu",
				cut->caller_fd, (unsigned long long)status.st_size, (unsigned long long)cut->size);
			return -1;
		}
	}
	return 0;
}

int cuts_make(const struct cuts *cuts)
{
	for (size_t i = 0; i < cuts->count; i++) {
		const struct cut *cut = &cuts->list[i];
		int result;

		do
			result = ftruncate(cut->fd, (off_t)cut->size);
		while (result && errno == EINTR);
		if (result) {
			message("caller fd %u: cannot cut its file to %llu bytes: %s", cut->caller_fd,
				(unsigned long long)cut->size, cause_of(errno));
			return -1;
		}
	}
	return 0;
}

void cuts_free(struct cuts *cuts)
{
	for (size_t i = 0; i < cuts->count; i++)
		if (cuts->list[i].fd >= 0)
			close(cuts->list[i].fd);
	free(cuts->list);
	*cuts = (struct cuts){0};
}
