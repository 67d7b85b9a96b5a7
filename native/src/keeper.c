#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "close-others.h"
#include "frames.h"
#include "give.h"
#include "message.h"

#define KEEPER_NAME "fdgraft-keeper"
#define WAITING_CONNECTIONS 64
/* A fork that comes without a number of the checkpoint is found after at most this many more than the checkpoint has. */
#define MORE_FORKS 256
#define END_MS 10000

/* The first message of the keeper, or of the process between it and the launcher. */
struct report {
	int error; /* errno, or 0: it listens */
	const char *what; /* in the memory that the launcher has as well */
};

struct keeping {
	struct gift gift;
	struct callers callers; /* of this process: each at a number of its own above 2 */
	int command; /* a pidfd */
	int signals;
	int listener;
	int control;
};

static bool report(int control, const char *what, int error)
{
	struct report said = {.error = error, .what = what};

	return send(control, &said, sizeof(said), MSG_NOSIGNAL) == (ssize_t)sizeof(said);
}

static int move_above_standard(int *fd)
{
	if (*fd < 0 || *fd > 2)
		return 0;
	*fd = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	return *fd < 0 ? -1 : 0;
}

/* COMMAND's terminal, pipes and files are none of the keeper's. Its own are there if COMMAND has none. */
static const char *let_go_of_stdio(struct keeping *keeping)
{
	struct start_dir *dir = keeping->gift.dir;
	int *const own[] = {&keeping->command, &keeping->listener, &keeping->control, &keeping->signals, &dir->base, &dir->fd};
	int null;

	for (size_t i = 0; i < keeping->callers.count; i++)
		if (move_above_standard(&keeping->callers.list[i].fd))
			return "dup a caller fd";
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		if (move_above_standard(own[i]))
			return "dup a descriptor";
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return "open /dev/null";
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(null, fd) < 0)
			return "put /dev/null in place";
	if (null > 2)
		close(null);
	return NULL;
}

static bool is_kept(const void *context, int fd)
{
	const struct keeping *keeping = context;
	const struct start_dir *dir = keeping->gift.dir;

	if (fd <= 2 || fd == keeping->command || fd == keeping->signals || fd == keeping->listener || fd == keeping->control ||
	    fd == dir->base || fd == dir->fd)
		return true;
	/* Those that were below 3 are at other numbers now, none of which was a caller's. */
	if (caller_find(&keeping->callers, (uint32_t)fd))
		return true;
	for (size_t i = 0; i < keeping->callers.count && keeping->callers.list[i].number <= 2; i++)
		if (keeping->callers.list[i].fd == fd)
			return true;
	return false;
}

/* Signals that ask it to end are read from a descriptor; all others of the caller's settings go. */
static const char *take_signals(struct keeping *keeping)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_SETMASK, &set, NULL))
		return "block signals";
	keeping->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return keeping->signals < 0 ? "make a signalfd" : NULL;
}

static const char *prepare(struct keeping *keeping)
{
	const char *wrong = NULL;

	message_to(NULL, NULL);
	(void)prctl(PR_SET_NAME, KEEPER_NAME);
	if (setsid() < 0)
		return "make a session";
	if (chdir("/"))
		return "go to /";
	wrong = take_signals(keeping);
	if (!wrong)
		wrong = let_go_of_stdio(keeping);
	if (!wrong && close_all_but(is_kept, keeping))
		wrong = "read /proc/self/fd";
	/* A client sees the process that calls listen() as its peer. */
	if (!wrong && listen(keeping->listener, WAITING_CONNECTIONS))
		wrong = "listen";
	return wrong;
}

static bool is_told_to_end(int control)
{
	char byte;

	return recv(control, &byte, sizeof(byte), MSG_DONTWAIT) == (ssize_t)sizeof(byte);
}

static void keep(struct keeping *keeping)
{
	enum { CONNECTION, COMMAND, SIGNALS, CONTROL, EVENTS };
	struct pollfd events[EVENTS] = {
		[CONNECTION] = {.fd = keeping->listener, .events = POLLIN},
		[COMMAND] = {.fd = keeping->command, .events = POLLIN},
		[SIGNALS] = {.fd = keeping->signals, .events = POLLIN},
		[CONTROL] = {.fd = keeping->control, .events = POLLIN},
	};

	for (;;) {
		if (poll(events, EVENTS, -1) < 0) {
			if (errno == EINTR)
				continue;
			return;
		}
		if (events[CONNECTION].revents && give(&keeping->gift, keeping->listener) != GIVEN_NOT)
			return;
		if (events[COMMAND].revents || events[SIGNALS].revents)
			return;
		if (events[CONTROL].revents && is_told_to_end(keeping->control))
			return;
		/* The other end is closed when COMMAND starts. */
		if (events[CONTROL].revents)
			events[CONTROL].fd = -1;
	}
}

static _Noreturn void be_keeper(struct keeping *keeping)
{
	const char *wrong = prepare(keeping);

	/* After a failure the launcher removes the directory. It waits for the report, or for the end of all who could give it. */
	if (!report(keeping->control, wrong, wrong ? errno : 0) || wrong)
		_exit(1);
	keep(keeping);
	start_dir_remove(keeping->gift.dir);
	_exit(0);
}

/* In the process between: a keeper, whose number is free of the checkpoint's. */
static _Noreturn void fork_keeper(struct keeping *keeping, const struct dump_pids *pids)
{
	for (size_t tries = pids->count + MORE_FORKS; tries > 0; tries--) {
		pid_t pid = fork();

		if (pid < 0) {
			(void)report(keeping->control, "fork", errno);
			_exit(1);
		}
		if (pid == 0) {
			if (dump_pids_have(pids, (uint32_t)getpid()))
				_exit(0);
			be_keeper(keeping);
		}
		if (!dump_pids_have(pids, (uint32_t)pid))
			_exit(0);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)report(keeping->control, "find a pid that the checkpoint does not need", EAGAIN);
	_exit(1);
}

/*
 * Waits for what the keeper says first, and looks whether it lives: in a pid namespace without a process 1 it does not.
 * -1 has said why.
 */
static int hear(struct keeper *keeper)
{
	struct report said;
	ssize_t got;

	do
		got = recv(keeper->control, &said, sizeof(said), 0);
	while (got < 0 && errno == EINTR);
	if (got == (ssize_t)sizeof(said) && !said.what && recv(keeper->control, &(char){0}, 1, MSG_DONTWAIT) < 0)
		return 0;
	if (got == (ssize_t)sizeof(said) && said.what)
		message("the keeper of the caller fds cannot %s: %s", said.what, cause_of(said.error));
	else
		message("the keeper of the caller fds ended at once; if fdgraft-exec was started by unshare --pid, add --fork");
	return -1;
}

static int open_pidfd(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0)
		message("cannot watch this process: pidfd_open: %s%s", cause_of(errno),
			errno == ENOSYS || errno == EPERM ?
				"; Linux 5.3 or newer is needed, and the seccomp profile of a container has to allow this call" :
				"");
	return fd;
}

static int start_both(struct keeper *keeper, struct keeping *keeping, const struct dump_pids *pids)
{
	pid_t between = fork();

	if (between < 0) {
		message("cannot fork: %s", cause_of(errno));
		return -1;
	}
	if (between == 0) {
		close(keeper->control);
		fork_keeper(keeping, pids);
	}
	close(keeping->control);
	keeping->control = -1;
	/* It has to be gone before COMMAND runs. ECHILD: SIGCHLD is ignored here. */
	while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
		;
	return hear(keeper);
}

int keeper_start(struct keeper *keeper, const struct plan *plan, const struct callers *callers, const struct dump_pids *pids,
		 struct start_dir *dir)
{
	struct keeping keeping = {
		.callers = *callers,
		.command = -1,
		.signals = -1,
		.listener = -1,
		.control = -1,
	};
	int pair[2];
	int result = -1;

	*keeper = (struct keeper){.control = -1};
	keeping.gift = (struct gift){.plan = plan, .callers = &keeping.callers, .dir = dir};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		message("cannot make a socket: %s", cause_of(errno));
		return -1;
	}
	keeper->control = pair[0];
	keeping.control = pair[1];
	keeping.listener = start_dir_bind(dir);
	if (keeping.listener >= 0)
		keeping.command = open_pidfd();
	if (keeping.command >= 0)
		result = start_both(keeper, &keeping, pids);
	if (keeping.command >= 0)
		close(keeping.command);
	if (keeping.listener >= 0)
		close(keeping.listener);
	if (keeping.control >= 0)
		close(keeping.control);
	if (result) {
		close(keeper->control);
		keeper->control = -1;
	}
	return result;
}

void keeper_end(struct keeper *keeper)
{
	int64_t deadline = deadline_after(END_MS);
	struct pollfd end = {.fd = keeper->control, .events = POLLIN};

	if (keeper->control < 0)
		return;
	/* Not by a signal: if somebody has killed the keeper, its pid can be another process's. */
	if (send(keeper->control, "", 1, MSG_NOSIGNAL) == 1)
		while (poll(&end, 1, until_deadline(deadline)) < 0 && errno == EINTR)
			;
	close(keeper->control);
	keeper->control = -1;
}
