#include "dump-pids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "budget.h"
#include "exit-codes.h"
#include "message.h"
#include "tasks.pb-c.h"

#define PSTREE_NAME "pstree.img"
#define IMG_COMMON 0x54564319u
#define PSTREE_MAGIC 0x50273030u
/* A task with a million threads. */
#define RECORD_MAX (8u << 20)
/* Linux has no more pids than that at once. */
#define PIDS_MAX ((size_t)4 << 22)
#define WRITE_AGAIN "write the image directory again with fdgraft rewrite"

static int by_value(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static int add(struct dump_pids *pids, uint32_t pid)
{
	if (pids->count == pids->room) {
		size_t room = pids->room ? 2 * pids->room : 64;
		uint32_t *list = room > PIDS_MAX ? NULL : reallocarray(pids->list, room, sizeof(*list));

		if (!list) {
			message(PSTREE_NAME ": no memory for more than %zu pids", pids->count);
			return EXIT_SYSTEM;
		}
		pids->list = list;
		pids->room = room;
	}
	pids->list[pids->count++] = pid;
	return 0;
}

static int add_task(struct dump_pids *pids, const PstreeEntry *task)
{
	int code = add(pids, task->pid);

	if (code == 0 && task->pgid != task->pid)
		code = add(pids, task->pgid);
	if (code == 0 && task->sid != task->pid && task->sid != task->pgid)
		code = add(pids, task->sid);
	for (size_t i = 0; code == 0 && i < task->n_threads; i++)
		if (task->threads[i] != task->pid)
			code = add(pids, task->threads[i]);
	return code;
}

/* 1: a number; 0: the end of the image; -1: cut short or unreadable. */
static int read_u32(FILE *image, uint32_t *number)
{
	unsigned char bytes[4];
	size_t got = fread(bytes, 1, sizeof(bytes), image);

	if (got == 0 && !ferror(image))
		return 0;
	if (got != sizeof(bytes))
		return -1;
	*number = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return 1;
}

static int damaged(unsigned long long offset, const char *why)
{
	message(PSTREE_NAME ": byte %llu: %s; " WRITE_AGAIN, offset, why);
	return EXIT_UNUSABLE;
}

static int read_record(struct dump_pids *pids, FILE *image, uint32_t size, unsigned long long offset)
{
	unsigned char *bytes;
	PstreeEntry *task;
	int code;

	if (size > RECORD_MAX)
		return damaged(offset, "the size of the record is past the limit of 8 MiB");
	bytes = malloc(size + 1);
	if (!bytes) {
		message("out of memory");
		return EXIT_SYSTEM;
	}
	if (fread(bytes, 1, size, image) != size) {
		free(bytes);
		return damaged(offset, "the record is cut short");
	}
	task = pstree_entry__unpack(&budget_allocator, size, bytes);
	free(bytes);
	if (!task)
		return damaged(offset, "the record is not a pstree_entry message");
	code = add_task(pids, task);
	pstree_entry__free_unpacked(task, &budget_allocator);
	return code;
}

static int read_image(struct dump_pids *pids, FILE *image)
{
	unsigned long long offset = 4;
	uint32_t number;
	int more = read_u32(image, &number);

	if (more == 1 && number == IMG_COMMON) {
		offset += 4;
		more = read_u32(image, &number);
	}
	if (more != 1 || number != PSTREE_MAGIC)
		return damaged(offset - 4, "not the magic number of a pstree image");
	while ((more = read_u32(image, &number)) == 1) {
		int code = read_record(pids, image, number, offset);

		if (code)
			return code;
		offset += 4 + (unsigned long long)number;
	}
	return more == 0 ? 0 : damaged(offset, "the size of a record is cut short");
}

int dump_pids_read(struct dump_pids *pids, int folder)
{
	struct stat status;
	FILE *image;
	int code;
	/* O_NONBLOCK: what lies there may be a FIFO. */
	int fd = openat(folder, PSTREE_NAME, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	*pids = (struct dump_pids){0};
	/* CRIU says what it thinks of that. */
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || !(image = fdopen(fd, "r"))) {
		message(PSTREE_NAME ": cannot read: %s; " WRITE_AGAIN, fd < 0 ? strerror(errno) : "not a regular file");
		if (fd >= 0)
			close(fd);
		return EXIT_UNUSABLE;
	}
	code = read_image(pids, image);
	fclose(image);
	if (code)
		dump_pids_free(pids);
	else if (pids->count > 0)
		qsort(pids->list, pids->count, sizeof(*pids->list), by_value);
	return code;
}

bool dump_pids_have(const struct dump_pids *pids, uint32_t pid)
{
	return pids->count > 0 && bsearch(&pid, pids->list, pids->count, sizeof(pid), by_value);
}

void dump_pids_free(struct dump_pids *pids)
{
	free(pids->list);
	*pids = (struct dump_pids){0};
}
