#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caller.h"
#include "clear-dup.h"
#include "clear-fork.h"
#include "close-others.h"
#include "exit-codes.h"
#include "message.h"

#define GUARD_NAME "fdgraft-window"
#define KEY_FLAGS (IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXANY | IXOFF)
#define LINE_FLAGS (ECHO | ECHONL | ICANON | ISIG | IEXTEN)

static struct termios raw_of(const struct termios *before)
{
	struct termios raw = *before;

	raw.c_iflag &= ~(tcflag_t)KEY_FLAGS;
	raw.c_lflag &= ~(tcflag_t)LINE_FLAGS;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return raw;
}

/* The terminal has settings of this process's, and not those of somebody who came after. */
static bool has_ours(const struct window *window)
{
	struct termios ours = raw_of(&window->before);
	/* c_cc is longer than the kernel's. */
	struct termios now = {0};

	return tcgetattr(window->fd, &now) == 0 && now.c_iflag == ours.c_iflag && now.c_lflag == ours.c_lflag &&
	       now.c_cflag == ours.c_cflag && memcmp(now.c_cc, ours.c_cc, sizeof(now.c_cc)) == 0;
}

/* From the background too: SIGTTOU would stop this process. */
static void set_back(const struct window *window, int when)
{
	sigset_t stop, mask;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	if (sigprocmask(SIG_BLOCK, &stop, &mask))
		return;
	while (tcsetattr(window->fd, when, &window->before) && errno == EINTR)
		;
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
}

/* An open file of its own: the flags of the caller's are shared with others. */
static int open_again(int fd)
{
	const int flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
	int again = open("/proc/self/fd/0", flags);

	/* After su, the terminal belongs to another user, and is still the controlling terminal. */
	if (again < 0 && tcgetsid(fd) == getsid(0))
		again = open("/dev/tty", flags);
	return again;
}

int window_open(struct window *window, const struct plan *plan, const char *otherwise)
{
	struct caller own = {.number = STDIN_FILENO, .fd = STDIN_FILENO};

	*window = NO_WINDOW;
	if (caller_inspect(&own))
		return EXIT_SYSTEM;
	if (own.kind != CALLER_DEVICE || !isatty(own.fd)) {
		message("descriptor 0 is no terminal, and %s", otherwise);
		return EXIT_UNUSABLE;
	}
	window->fd = open_again(own.fd);
	if (window->fd < 0) {
		message("cannot open the terminal of descriptor 0 for reading and writing: %s; start this as its owner, as root, or %s",
			cause_of(errno), otherwise);
		return EXIT_UNUSABLE;
	}
	if (plan)
		window->fd = dup_clear_of_callers(window->fd, plan);
	if (window->fd < 0)
		return EXIT_SYSTEM;
	if (tcgetattr(window->fd, &window->before) == 0)
		return 0;
	message("cannot read the settings of the terminal: %s", cause_of(errno));
	return EXIT_SYSTEM;
}

/* Waits until the other end of `line` is gone. A byte on it says that all is done. */
static _Noreturn void be_guard(const struct window *window, int line)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE};
	const int kept[] = {window->fd, line};
	char byte;
	ssize_t got;

	(void)prctl(PR_SET_NAME, GUARD_NAME);
	/* Signals to the group or the session of the other do not reach this one. */
	(void)setsid();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	message_to(NULL, NULL);
	if (chdir("/") || close_others(0, kept, sizeof(kept) / sizeof(kept[0])))
		_exit(1);
	do
		got = read(line, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got == 0 && has_ours(window))
		set_back(window, TCSANOW);
	_exit(0);
}

int window_guard(struct window *window, const struct dump_pids *pids)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		message("cannot make a socket: %s", cause_of(errno));
		return -1;
	}
	window->guard_pid = fork_clear_of(pids);
	if (window->guard_pid == 0)
		be_guard(window, pair[1]);
	close(pair[1]);
	if (window->guard_pid < 0) {
		close(pair[0]);
		return -1;
	}
	window->guard = pair[0];
	return 0;
}

bool window_is_ours(const struct window *window)
{
	pid_t foreground = tcgetpgrp(window->fd);

	/* -1: it is no controlling terminal of this process, so nobody stops it. */
	return foreground < 0 || foreground == getpgrp();
}

static void set(struct window *window, bool bare)
{
	struct termios settings = raw_of(&window->before);

	if (bare)
		settings.c_oflag &= ~(tcflag_t)OPOST;
	while (tcsetattr(window->fd, TCSADRAIN, &settings))
		if (errno != EINTR)
			return;
	window->is_raw = true;
	window->is_bare = bare;
}

void window_make_raw(struct window *window)
{
	set(window, window->is_bare);
}

void window_make_bare(struct window *window)
{
	if (!window->is_bare || !window->is_raw)
		set(window, true);
}

void window_restore(struct window *window)
{
	if (window->is_raw && (window_is_ours(window) || has_ours(window)))
		set_back(window, TCSADRAIN);
	window->is_raw = false;
	window->is_bare = false;
}

void window_close(struct window *window)
{
	if (window->fd < 0)
		return;
	window_restore(window);
	if (window->guard >= 0) {
		(void)send(window->guard, "", 1, MSG_NOSIGNAL);
		close(window->guard);
		while (waitpid(window->guard_pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close(window->fd);
	*window = NO_WINDOW;
}
