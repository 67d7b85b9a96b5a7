#include "caller.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hold-stdio.h"
#include "message.h"

/* Of statfs(2); linux/magic.h has it from Linux 5.14 on. */
#define SECRETMEM_MAGIC 0x5345434d
/* The device of /dev/ptmx: opening it again makes another terminal. */
#define PTMX_MAJOR 5
#define PTMX_MINOR 2

static int by_number(const void *left, const void *right)
{
	uint32_t a = ((const struct caller *)left)->number;
	uint32_t b = ((const struct caller *)right)->number;

	return (a > b) - (a < b);
}

int callers_collect(struct callers *callers, const struct plan *plan)
{
	size_t used = 0;

	*callers = (struct callers){0};
	if (plan->graft_count == 0)
		return 0;
	callers->list = calloc(plan->graft_count, sizeof(*callers->list));
	if (!callers->list) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++)
		callers->list[i] = (struct caller){
			.number = plan->grafts[i].caller_fd,
			.fd = -1,
			.sharers = plan->grafts[i].own_key.text ? 0 : 1,
			.first_spec = plan->grafts[i].spec,
		};
	qsort(callers->list, plan->graft_count, sizeof(*callers->list), by_number);
	for (size_t i = 1; i < plan->graft_count; i++) {
		struct caller *last = &callers->list[used];

		if (callers->list[i].number != last->number) {
			callers->list[++used] = callers->list[i];
			continue;
		}
		last->sharers += callers->list[i].sharers;
		if (callers->list[i].first_spec < last->first_spec)
			last->first_spec = callers->list[i].first_spec;
	}
	callers->count = used + 1;
	return 0;
}

struct caller *caller_find(const struct callers *callers, uint32_t number)
{
	struct caller key = {.number = number};

	if (callers->count == 0)
		return NULL;
	return bsearch(&key, callers->list, callers->count, sizeof(key), by_number);
}

int caller_compare_files(const struct caller *left, const struct caller *right)
{
	const struct stat *a = &left->status;
	const struct stat *b = &right->status;

	if (a->st_dev != b->st_dev)
		return a->st_dev > b->st_dev ? 1 : -1;
	return (a->st_ino > b->st_ino) - (a->st_ino < b->st_ino);
}

int caller_compare_open_files(const struct caller *left, const struct caller *right)
{
	int order = caller_compare_files(left, right);
	long answer;

	if (order)
		return order;
	answer = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, left->fd, right->fd);
	if (answer >= 0 && answer <= 2)
		return answer == 0 ? 0 : answer == 1 ? -1 : 1;
	return (left->number > right->number) - (left->number < right->number);
}

bool caller_is_dup_only(const struct caller *caller)
{
	return caller->kind == CALLER_SOCKET || caller->kind == CALLER_PTMX || caller->kind == CALLER_ANONYMOUS;
}

bool caller_can_write(const struct caller *caller)
{
	return (caller->flags & O_ACCMODE) == O_WRONLY || (caller->flags & O_ACCMODE) == O_RDWR;
}

bool caller_is_pipe(const struct caller *caller)
{
	return caller->kind == CALLER_PIPE || caller->kind == CALLER_FIFO;
}

const char *caller_kind_name(enum caller_kind kind)
{
	switch (kind) {
	case CALLER_PATH:
		return "open with O_PATH alone";
	case CALLER_DIRECTORY:
		return "a directory";
	case CALLER_FILE:
		return "a file";
	case CALLER_SECRET:
		return "a file of memfd_secret, which can only be mapped";
	case CALLER_PIPE:
		return "a pipe";
	case CALLER_FIFO:
		return "a FIFO";
	case CALLER_SOCKET:
		return "a socket";
	case CALLER_DEVICE:
		return "a character device or terminal";
	case CALLER_PTMX:
		return "the master side of a terminal";
	default:
		return "an anonymous inode, such as an epoll or eventfd descriptor";
	}
}

static enum caller_kind kind_of(const struct caller *caller, const char *link)
{
	struct statfs system;

	/* Real paths begin with a slash, so these are names that the kernel made up. */
	if (strncmp(link, "anon_inode:", 11) == 0 || strncmp(link, "pidfd:", 6) == 0)
		return CALLER_ANONYMOUS;
	switch (caller->status.st_mode & S_IFMT) {
	case S_IFREG:
		/* That of a namespace is a regular file by its mode. */
		if (link[0] != '/')
			return CALLER_ANONYMOUS;
		return fstatfs(caller->fd, &system) == 0 && system.f_type == SECRETMEM_MAGIC ? CALLER_SECRET : CALLER_FILE;
	case S_IFBLK:
		return CALLER_FILE;
	case S_IFDIR:
		return CALLER_DIRECTORY;
	case S_IFIFO:
		return link[0] == '/' ? CALLER_FIFO : CALLER_PIPE;
	case S_IFSOCK:
		return CALLER_SOCKET;
	case S_IFCHR:
		return major(caller->status.st_rdev) == PTMX_MAJOR && minor(caller->status.st_rdev) == PTMX_MINOR ?
			       CALLER_PTMX :
			       CALLER_DEVICE;
	default:
		return CALLER_ANONYMOUS;
	}
}

int caller_inspect(struct caller *caller)
{
	char path[64];
	char link[64];
	ssize_t length;

	caller->kind = CALLER_CLOSED;
	if (stdio_is_held(caller->fd))
		return 0;
	caller->flags = fcntl(caller->fd, F_GETFL);
	if (caller->flags < 0 && errno == EBADF)
		return 0;
	if (caller->flags < 0 || fstat(caller->fd, &caller->status)) {
		message("caller fd %u: cannot look at it: %s", caller->number, cause_of(errno));
		return -1;
	}
	if (caller->flags & O_PATH) {
		caller->kind = CALLER_PATH;
		return 0;
	}
	if (snprintf(path, sizeof(path), "/proc/self/fd/%d", caller->fd) < 0)
		return -1;
	length = readlink(path, link, sizeof(link) - 1);
	if (length < 0) {
		message("caller fd %u: cannot read the link %s: %s; /proc has to be mounted", caller->number, path,
			cause_of(errno));
		return -1;
	}
	link[length] = '\0';
	caller->kind = kind_of(caller, link);
	if (caller->kind == CALLER_ANONYMOUS)
		caller->anonymous = kind_of_link(link);
	caller->seekable = lseek(caller->fd, 0, SEEK_CUR) >= 0;
	return 0;
}

void callers_free(struct callers *callers)
{
	free(callers->list);
	*callers = (struct callers){0};
}
