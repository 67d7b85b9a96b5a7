#include "pipe-size.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

#define PIPE_MAX_SIZE "/proc/sys/fs/pipe-max-size"

/* Tells on a pipe of our own what the kernel would say to the caller's. */
static int try_growing(int size)
{
	int ends[2];
	int error;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	error = fcntl(ends[0], F_SETPIPE_SZ, size) < 0 ? errno : 0;
	close(ends[0]);
	close(ends[1]);
	return error;
}

int grow_pipe(int fd, uint64_t size, enum growing growing)
{
	if (size > PIPE_CAPACITY_MAX)
		return EINVAL;
	if (growing == GROW_NOTHING)
		return try_growing((int)size);
	return fcntl(fd, F_SETPIPE_SZ, (int)size) < 0 ? errno : 0;
}

/* 0: not known. */
static unsigned long long largest_allowed(void)
{
	FILE *file = fopen(PIPE_MAX_SIZE, "re");
	unsigned long long size = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%llu", &size) != 1)
		size = 0;
	fclose(file);
	return size;
}

const char *growing_remedy(struct remedy *remedy, int error, uint64_t size)
{
	unsigned long long allowed = error == EPERM ? largest_allowed() : 0;

	if (error != EPERM)
		return "give a pipe that is large enough";
	if (allowed >= size)
		return "raise /proc/sys/fs/pipe-user-pages-soft and -hard, the limits of this user, or give a pipe that is large enough";
	snprintf(remedy->text, sizeof(remedy->text), "raise " PIPE_MAX_SIZE " to %llu, or give a pipe that is large enough",
		 (unsigned long long)size);
	return remedy->text;
}

struct sized {
	const struct caller *caller;
	const struct graft *graft;
};

/* By what they are open on, the largest first. */
static int by_pipe(const void *left, const void *right)
{
	const struct sized *a = left;
	const struct sized *b = right;
	int order = caller_compare_files(a->caller, b->caller);

	if (order)
		return order;
	if (a->graft->pipe_size != b->graft->pipe_size)
		return a->graft->pipe_size < b->graft->pipe_size ? 1 : -1;
	return (a->graft > b->graft) - (a->graft < b->graft);
}

static int restore_size(const struct sized *sized, const struct plan *plan, enum growing growing)
{
	const struct caller *caller = sized->caller;
	uint32_t wanted = sized->graft->pipe_size;
	int room = fcntl(caller->fd, F_GETPIPE_SZ);
	struct remedy remedy;
	struct shown spec;
	int error;

	if (room < 0) {
		message("caller fd %u: cannot read the size of the pipe: %s", caller->number, cause_of(errno));
		return -1;
	}
	if (wanted <= (uint32_t)room)
		return 0;
	error = grow_pipe(caller->fd, wanted, growing);
	if (error)
		warning("caller fd %u (spec %s): its pipe holds %d bytes, the one of file id %u held %u at the dump, and it cannot grow to that: %s; %s",
			caller->number, show_spec(&spec, plan, sized->graft->spec), room, sized->graft->file_id, wanted,
			cause_of(error), growing_remedy(&remedy, error, wanted));
	return 0;
}

int pipe_sizes_restore(const struct plan *plan, const struct callers *callers, const struct targets *targets,
		       enum growing growing)
{
	size_t most = targets ? targets->count : plan->graft_count;
	struct sized *list = calloc(most + 1, sizeof(*list));
	size_t count = 0;
	int result = 0;

	if (!list) {
		message("out of memory");
		return -1;
	}
	for (size_t i = 0; i < most; i++) {
		const struct graft *graft = &plan->grafts[targets ? targets->list[i].graft : i];
		const struct caller *caller = graft->pipe_size > 0 ? caller_find(callers, graft->caller_fd) : NULL;

		if (caller && caller_is_pipe(caller))
			list[count++] = (struct sized){.caller = caller, .graft = graft};
	}
	qsort(list, count, sizeof(*list), by_pipe);
	for (size_t i = 0; result == 0 && i < count; i++)
		if (i == 0 || caller_compare_files(list[i].caller, list[i - 1].caller) != 0)
			result = restore_size(&list[i], plan, growing);
	free(list);
	return result;
}
