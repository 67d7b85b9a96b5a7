/* Unread bytes on their way into the caller's pipes (unread.c, unread-check.c, unread-copies.c). */
#include "unread.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debug-texts.h"
#include "message.h"
#include "support.h"
#include "unread-copies.h"

/* Bytes that say what each caller fd is, in turn; the last has the settings of the run. */
#define CONTROL 17
#define PIPES_DATA_SIZE ((size_t)96 << 10)
#define FIFO_DATA_SIZE ((size_t)5000)
#define PARTS_MAX 64

const struct fuzz_layout fuzz_layout = {.control = CONTROL, .is_framed = true, .is_plan = true};

enum { GROWS = 1, IS_FILLED = 2, IS_LIMITED = 4, IS_SMALL = 8 };

static uint8_t pipes_data[PIPES_DATA_SIZE];
static uint8_t fifo_data[FIFO_DATA_SIZE];

static int make_directory(void)
{
	char path[SCRATCH_MAX];
	int dir = scratch_dir(path);

	bound_pipes();
	for (size_t i = 0; i < PIPES_DATA_SIZE; i++)
		pipes_data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < FIFO_DATA_SIZE; i++)
		fifo_data[i] = (uint8_t)(i * 40503u >> 3);
	write_in(dir, "pipes-data.img", pipes_data, PIPES_DATA_SIZE);
	write_in(dir, "fifo-data.img", fifo_data, FIFO_DATA_SIZE);
	MUST(mkfifoat(dir, "fifo", 0600) == 0);
	return dir;
}

/* What a caller fd can be; the first is not open. */
struct pool {
	int fds[10];
	size_t count;
};

static void make_pool(struct pool *pool, int directory, uint8_t settings)
{
	int ends[2];

	*pool = (struct pool){.fds = {-1}, .count = 1};
	for (int i = 0; i < 2; i++) {
		MUST(pipe2(ends, O_CLOEXEC) == 0);
		pool->fds[pool->count++] = ends[0];
		pool->fds[pool->count++] = ends[1];
	}
	if (settings & IS_SMALL)
		MUST(fcntl(ends[0], F_SETPIPE_SZ, 4096) == 4096);
	if (settings & IS_FILLED)
		MUST(write(ends[1], "x", 1) == 1);
	pool->fds[pool->count++] = openat(directory, "fifo", O_RDWR | O_CLOEXEC);
	pool->fds[pool->count++] = openat(directory, "fifo-data.img", O_RDONLY | O_CLOEXEC);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	pool->fds[pool->count++] = ends[0];
	pool->fds[pool->count++] = ends[1];
}

static void close_pool(const struct pool *pool)
{
	for (size_t i = 1; i < pool->count; i++)
		close(pool->fds[i]);
}

/* What has to come out of a pipe: all records for it in the order of the plan, each range once. */
static size_t expected_in(const struct plan *plan, const struct callers *callers, const struct caller *into, uint8_t *bytes, size_t room)
{
	const struct unread_bytes *taken[PARTS_MAX];
	size_t count = 0;
	size_t size = 0;

	for (size_t i = 0; i < plan->unread_count; i++) {
		const struct unread_bytes *one = &plan->unread[i];
		const uint8_t *image = strcmp(one->image, "pipes-data.img") == 0 ? pipes_data : fifo_data;
		bool again = false;

		if (caller_compare_files(caller_find(callers, plan->grafts[one->graft].caller_fd), into) != 0)
			continue;
		for (size_t k = 0; k < count; k++)
			again = again || (taken[k]->image == one->image && taken[k]->offset == one->offset);
		if (again)
			continue;
		taken[count++] = one;
		MUST(one->offset + one->bytes <= (image == pipes_data ? PIPES_DATA_SIZE : FIFO_DATA_SIZE));
		MUST(one->bytes <= room - size);
		memcpy(bytes + size, image + one->offset, one->bytes);
		size += one->bytes;
	}
	return size;
}

/* Reads all that waits in a pipe. */
static size_t drain(const struct caller *caller, uint8_t *bytes, size_t room)
{
	char path[64];
	size_t size = 0;
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", caller->fd);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	MUST(fd >= 0);
	while (size < room && (got = read(fd, bytes + size, room - size)) > 0)
		size += (size_t)got;
	close(fd);
	return size;
}

static void check_delivered(const struct unread_pipes *unread, const struct plan *plan, const struct callers *callers)
{
	static uint8_t wanted[PIPES_DATA_SIZE + FIFO_DATA_SIZE];
	static uint8_t found[sizeof(wanted) + 1];

	for (size_t i = 0; i < unread->count; i++) {
		const struct caller *caller = unread->list[i].parts[0].caller;
		size_t size = expected_in(plan, callers, caller, wanted, sizeof(wanted));

		MUST(size == unread->list[i].bytes);
		MUST(drain(caller, found, sizeof(found)) == size && memcmp(found, wanted, size) == 0);
	}
}

static void check_empty(const struct unread_pipes *unread)
{
	uint8_t byte;

	for (size_t i = 0; i < unread->count; i++)
		MUST(drain(unread->list[i].parts[0].caller, &byte, 1) == 0);
}

static void deliver_all(const struct unread_pipes *unread, const struct plan *plan, const struct callers *callers, int directory)
{
	struct unread_copies copies;

	for (int i = 0; i < 2; i++) {
		MUST(unread_copies_fill(&copies, unread, plan, directory, NULL, 0) == 0 && copies.count == unread->count);
		MUST(unread_copies_deliver(&copies) == 0);
		if (i == 0)
			unread_copies_take_back(&copies);
		unread_copies_free(&copies);
		if (i == 0)
			check_empty(unread);
	}
	check_delivered(unread, plan, callers);
	MUST(said_count() == 0);
}

/* The descriptors of one task alone. */
static void limit_to(struct unread_pipes *unread, const struct plan *plan, const struct callers *callers)
{
	struct target target = {.graft = (uint32_t)(plan->graft_count - 1)};
	const struct targets targets = {.list = &target, .count = 1};
	size_t before = unread->count;

	unread_limit(unread, plan, callers, &targets);
	MUST(unread->count <= before && unread->count <= 1);
}

static void run(const struct plan *plan, const uint8_t *control, int directory)
{
	uint8_t settings = control[CONTROL - 1];
	const struct cuts no_cuts = {0};
	struct unread_pipes unread;
	struct callers callers;
	struct pool pool;

	make_pool(&pool, directory, settings);
	MUST(callers_collect(&callers, plan) == 0);
	for (size_t i = 0; i < callers.count; i++) {
		callers.list[i].fd = pool.fds[control[i % (CONTROL - 1)] % pool.count];
		MUST(caller_inspect(&callers.list[i]) == 0);
	}
	MUST(unread_collect(&unread, plan, &callers) == 0);
	if (settings & IS_LIMITED && plan->graft_count > 0)
		limit_to(&unread, plan, &callers);
	MUST(unread_check(&unread, plan, directory, settings & GROWS ? GROW_PIPES : GROW_NOTHING) == 0);
	debug_refuse(plan, &unread, &no_cuts);
	if (problem_count() == 0 && settings & GROWS)
		deliver_all(&unread, plan, &callers, directory);
	unread_free(&unread);
	callers_free(&callers);
	close_pool(&pool);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static int directory = -1;
	uint8_t control[CONTROL] = {0};
	struct fuzz_input input = {bytes, size};
	struct plan plan;

	if (directory < 0)
		directory = make_directory();
	take_bytes(&input, control, CONTROL);
	fuzz_begin();
	if (plan_of(&plan, input.at, input.left) == PLAN_FOUND && plan.unread_count > 0 && plan.unread_count <= PARTS_MAX)
		run(&plan, control, directory);
	plan_free(&plan);
	fuzz_end();
	return 0;
}
