/*
 * The choice between dup and reopen for each placeholder (choose.c and its checks), and what the plugin then does: cuts,
 * O_NONBLOCK, and the open files that it gives to CRIU and answers with (answers.c). Plays CRIU's store.
 */
#include "choose.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "access-check.h"
#include "answers.h"
#include "criu.h"
#include "cuts.h"
#include "message.h"
#include "nonblock.h"
#include "pipe-size.h"
#include "support.h"

/* Bytes that say what each caller fd is, in turn; the last says whether choose() attempts to open. */
#define CONTROL 33
#define FILE_SIZE 4096
/* More descriptors than a process is allowed would be no fault. */
#define GRAFTS_MAX 200
#define STORED_MAX (2 * GRAFTS_MAX + 2)

const struct fuzz_layout fuzz_layout = {.control = CONTROL, .is_framed = true, .is_plan = true};

/* What a caller fd can be; the first is not open. */
static int pool[40];
static size_t pool_count;

static struct {
	int fd;
	char *key;
} stored[STORED_MAX];
static size_t stored_count;

int inherit_fd_add(int fd, char *key)
{
	MUST(stored_count < STORED_MAX);
	for (size_t i = 0; i < stored_count; i++)
		MUST(strcmp(stored[i].key, key) != 0 && stored[i].fd != fd);
	stored[stored_count].fd = fd;
	stored[stored_count++].key = key;
	return 0;
}

int inherit_fd_lookup_id(char *key)
{
	for (size_t i = 0; i < stored_count; i++)
		if (strcmp(stored[i].key, key) == 0)
			return dup(stored[i].fd);
	return -1;
}

static void add_to_pool(int fd)
{
	MUST(fd >= 0 && pool_count < sizeof(pool) / sizeof(pool[0]));
	pool[pool_count++] = fd;
}

static void make_files(void)
{
	char path[SCRATCH_MAX];
	static const char zeros[FILE_SIZE];
	static const int flags[] = {O_RDONLY, O_WRONLY | O_APPEND, O_RDWR, O_RDWR | O_NONBLOCK, O_PATH, O_RDWR | O_SYNC};
	int dir = scratch_dir(path);
	int sealed = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	write_in(dir, "file", zeros, sizeof(zeros));
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		add_to_pool(openat(dir, "file", flags[i] | O_CLOEXEC));
	add_to_pool(file_of(zeros, sizeof(zeros)));
	MUST(ftruncate(sealed, FILE_SIZE) == 0 && fcntl(sealed, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK) == 0);
	add_to_pool(sealed);
	add_to_pool(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	MUST(mkfifoat(dir, "fifo", 0600) == 0);
	add_to_pool(openat(dir, "fifo", O_RDWR | O_CLOEXEC));
	add_to_pool(openat(dir, "fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
}

static void make_sockets(void)
{
	struct sockaddr_un nowhere = {.sun_family = AF_UNIX};
	int ends[2];
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	add_to_pool(ends[0]);
	MUST(bind(listening, (struct sockaddr *)&nowhere, sizeof(sa_family_t)) == 0 && listen(listening, 1) == 0);
	add_to_pool(listening);
	add_to_pool(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	add_to_pool(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	add_to_pool(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
}

static void make_others(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	sigset_t none;
	int ends[2];

	MUST(pipe2(ends, O_CLOEXEC) == 0);
	add_to_pool(ends[0]);
	add_to_pool(ends[1]);
	MUST(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	add_to_pool(ends[0]);
	add_to_pool(ends[1]);
	add_to_pool(open("/dev/null", O_RDWR | O_CLOEXEC));
	add_to_pool(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	if (master >= 0 && unlockpt(master) == 0) {
		add_to_pool(master);
		add_to_pool(ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
	}
	sigemptyset(&none);
	add_to_pool(eventfd(0, EFD_CLOEXEC));
	add_to_pool(inotify_init1(IN_CLOEXEC));
	add_to_pool((int)syscall(SYS_pidfd_open, getpid(), 0));
	add_to_pool(signalfd(-1, &none, SFD_CLOEXEC));
	add_to_pool(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
	add_to_pool(epoll_create1(EPOLL_CLOEXEC));
}

static void make_pool(void)
{
	struct rlimit limit;

	bound_pipes();
	MUST(getrlimit(RLIMIT_NOFILE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	MUST(setrlimit(RLIMIT_NOFILE, &limit) == 0);
	pool[pool_count++] = -1;
	make_files();
	make_sockets();
	make_others();
}

static bool is_attempted(const struct caller *caller)
{
	return S_ISREG(caller->status.st_mode) || caller->kind == CALLER_PIPE || caller->kind == CALLER_FIFO;
}

static void check_answer(const struct graft *graft, const struct caller *caller)
{
	int fd = answers_fd(graft->file_id);
	int flags;

	if (graft->own_key.text) {
		MUST(fd == -ENOTSUP);
		return;
	}
	MUST(fd >= 0 && same_file(fd, caller->fd));
	flags = fcntl(fd, F_GETFL);
	/* Nobody is led to more than the caller opened. */
	MUST((flags & O_ACCMODE) == (caller->flags & O_ACCMODE) || (caller->flags & O_ACCMODE) == O_RDWR || flags & O_PATH);
	/* A dup is what is needed; what is opened again is open as the entry was. */
	if (graft->reopen)
		MUST((flags & O_ACCMODE) == (int)(graft->flags & O_ACCMODE));
	else if (!(graft->flags & O_PATH))
		MUST((!graft->needs_write || (flags & O_ACCMODE) != O_RDONLY) && (!graft->needs_read || (flags & O_ACCMODE) != O_WRONLY));
	if (graft->reopen && graft->position == FDGRAFT__PLAN_POSITION__POSITION_SAVED && caller->seekable && S_ISREG(caller->status.st_mode))
		MUST(lseek(fd, 0, SEEK_CUR) == (off_t)graft->saved_offset);
	close(fd);
}

static void answer_all(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++)
		check_answer(&plan->grafts[i], caller_find(callers, plan->grafts[i].caller_fd));
	/* Ids that the plan has not. */
	for (size_t i = 0; i < plan->graft_count; i++) {
		uint32_t next = plan->grafts[i].file_id + 1;

		/* After the largest id comes 0, which the plan can have. */
		if (next != 0 && (i + 1 == plan->graft_count || plan->grafts[i + 1].file_id != next))
			MUST(answers_fd(next) == -ENOTSUP);
	}
	MUST(stored_count <= plan->graft_count + callers->count);
}

static void store_and_answer(const struct plan *plan, const struct callers *callers, bool attempt)
{
	bool may_fail = !attempt;

	for (size_t i = 0; i < plan->graft_count; i++)
		if (plan->grafts[i].reopen && !is_attempted(caller_find(callers, plan->grafts[i].caller_fd)))
			may_fail = true;
	if (answers_store(plan, callers) == 0)
		answer_all(plan, callers);
	else
		MUST(may_fail && said_count() > 0);
	while (stored_count > 0)
		close(stored[--stored_count].fd);
	answers_forget();
}

/* What CRIU's hook before the end of a restore changes, and takes back. */
static void change_late(const struct plan *plan, const struct callers *callers, struct cuts *cuts)
{
	struct nonblocks nonblocks;

	MUST(nonblocks_collect(&nonblocks, plan, callers, NULL) == 0);
	MUST(cuts_hold(cuts, NULL, 0) == 0 && nonblocks_hold(&nonblocks, NULL, 0) == 0);
	MUST(cuts_ready(cuts) == 0 && nonblocks_set(&nonblocks) == 0);
	for (size_t i = 0; i < nonblocks.count; i++)
		MUST(fcntl(nonblocks.list[i].fd, F_GETFL) & O_NONBLOCK);
	nonblocks_take_back(&nonblocks);
	for (size_t i = 0; i < callers->count; i++)
		if (callers->list[i].fd >= 0)
			MUST(fcntl(callers->list[i].fd, F_GETFL) == callers->list[i].flags);
	MUST(cuts_make(cuts) == 0);
	for (size_t i = 0; i < cuts->count; i++) {
		struct stat status;

		MUST(fstat(cuts->list[i].fd, &status) == 0 && (uint64_t)status.st_size == cuts->list[i].size);
		MUST(ftruncate(cuts->list[i].fd, FILE_SIZE) == 0);
	}
	nonblocks_free(&nonblocks);
}

static void choose_all(struct plan *plan, struct fuzz_input *control)
{
	bool attempt = control->at[CONTROL - 1] & 1;
	struct cuts cuts = {0};
	struct callers callers;

	MUST(callers_collect(&callers, plan) == 0);
	for (size_t i = 0; i < callers.count; i++) {
		callers.list[i].fd = pool[control->at[i % (CONTROL - 1)] % pool_count];
		MUST(i == 0 || callers.list[i].number > callers.list[i - 1].number);
		MUST(caller_inspect(&callers.list[i]) == 0);
	}
	MUST(choose(plan, &callers, attempt) == 0);
	for (size_t i = 0; i < plan->graft_count; i++)
		MUST(!plan->grafts[i].refused || problem_count() > 0);
	MUST(access_check(plan, &callers) == 0);
	MUST(pipe_sizes_restore(plan, &callers, NULL, GROW_NOTHING) == 0);
	MUST(cuts_check(&cuts, plan, &callers, NULL) == 0);
	if (problem_count() == 0) {
		store_and_answer(plan, &callers, attempt);
		change_late(plan, &callers, &cuts);
	}
	cuts_free(&cuts);
	callers_free(&callers);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t control[CONTROL] = {0};
	struct fuzz_input input = {bytes, size};
	struct fuzz_input of_control = {control, CONTROL};
	struct plan plan;

	if (pool_count == 0)
		make_pool();
	take_bytes(&input, control, CONTROL);
	fuzz_begin();
	if (plan_of(&plan, input.at, input.left) == PLAN_FOUND && plan.graft_count <= GRAFTS_MAX)
		choose_all(&plan, &of_control);
	plan_free(&plan);
	fuzz_end();
	return 0;
}
