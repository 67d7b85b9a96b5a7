#include "pty-run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "clear-fork.h"
#include "close-others.h"
#include "exit-codes.h"
#include "message.h"

#define ANCHOR_NAME "fdgraft-session"

struct starting {
	struct pty *pty;
	struct showing *showing;
	const struct dump_pids *pids;
	const struct pty_command *command;
	bool has_session; /* COMMAND is in a session of its own, which has the terminal */
};

/* The descriptors of the process that shows the terminal, -1 for one that it does not have. */
struct own_fds {
	int list[6];
};

static struct own_fds own_fds(const struct starting *starting)
{
	const struct showing *showing = starting->showing;

	return (struct own_fds){{starting->pty->master, showing->window.fd, showing->window.guard, showing->offer.dir,
				 showing->offer.listener, showing->signals.fd}};
}

#define OWN_FDS (sizeof(struct own_fds) / sizeof(int))

/* They stay with that process: otherwise neither side would see that the other is gone. */
static void close_ours(const struct starting *starting)
{
	struct own_fds fds = own_fds(starting);

	for (size_t i = 0; i < OWN_FDS; i++)
		if (fds.list[i] >= 0)
			close(fds.list[i]);
}

static _Noreturn void be_command(const struct starting *starting)
{
	int fd = starting->showing->signals.fd;

	if (signals_give_back(&starting->showing->signals))
		_exit(EXIT_SYSTEM);
	if (fd >= 0)
		close_ours(starting);
	_exit(starting->command->run(starting->command->context));
}

/* Leads the session as long as it has the terminal, whose end is a SIGHUP: COMMAND may be gone much sooner. */
static _Noreturn void stay(void)
{
	static const int ignored[] = {SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU};
	sigset_t none;

	(void)prctl(PR_SET_NAME, ANCHOR_NAME);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	message_to(NULL, NULL);
	if (chdir("/") || close_others(0, NULL, 0))
		_exit(EXIT_SYSTEM);
	for (;;)
		(void)pause();
}

/* COMMAND is a child of the process that shows the terminal, and in the session of this one. */
static _Noreturn void be_anchor(const struct starting *starting, int report)
{
	pid_t pid;

	if (setsid() < 0 || ioctl(starting->pty->slave, TIOCSCTTY, 0)) {
		message("cannot make a session with the terminal: %s", cause_of(errno));
		_exit(EXIT_SYSTEM);
	}
	pid = fork_sibling_clear_of(starting->pids);
	if (pid == 0) {
		close(report);
		be_command(starting);
	}
	if (pid < 0 || write(report, &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
		_exit(EXIT_SYSTEM);
	stay();
}

static int start_session(struct starting *starting)
{
	int ends[2];
	ssize_t got;

	if (pipe2(ends, O_CLOEXEC)) {
		message("cannot make a pipe: %s", cause_of(errno));
		return -1;
	}
	starting->showing->session = fork_clear_of(starting->pids);
	if (starting->showing->session == 0) {
		close(ends[0]);
		be_anchor(starting, ends[1]);
	}
	close(ends[1]);
	do
		got = read(ends[0], &starting->showing->child, sizeof(pid_t));
	while (got < 0 && errno == EINTR);
	close(ends[0]);
	if (starting->showing->session > 0 && got == (ssize_t)sizeof(pid_t))
		return 0;
	starting->showing->child = NO_PROCESS;
	return -1;
}

static int start(struct starting *starting)
{
	struct showing *showing = starting->showing;

	if (starting->has_session)
		return start_session(starting);
	showing->child = fork_clear_of(starting->pids);
	if (showing->child == 0)
		be_command(starting);
	return showing->child < 0 ? -1 : 0;
}

/* The caller's descriptors are those of COMMAND alone: the reader of a pipe waits for its end. */
static int let_go(struct starting *starting)
{
	struct own_fds kept = own_fds(starting);

	starting->pty->slave = -1;
	return close_others(STDERR_FILENO + 1, kept.list, OWN_FDS);
}

static int start_and_show(struct starting *starting, const struct plan *plan)
{
	struct showing *showing = starting->showing;

	if (take_window_signals(&showing->signals))
		return EXIT_SYSTEM;
	if (showing->window.fd >= 0) {
		if (window_guard(&showing->window, starting->pids))
			return EXIT_SYSTEM;
		window_make_raw(&showing->window);
	} else if (offer_open(&showing->offer, plan)) {
		return EXIT_SYSTEM;
	}
	if (start(starting) || let_go(starting))
		return EXIT_SYSTEM;
	return show_terminal(showing);
}

int pty_run(struct pty *pty, struct window *window, struct offer *offer, const struct plan *plan, const struct images *images,
	    const struct options *options, const struct pty_command *command)
{
	struct showing *showing = calloc(1, sizeof(*showing));
	struct dump_pids pids = {0};
	struct starting starting = {
		.pty = pty,
		.showing = showing,
		.pids = &pids,
		.command = command,
		.has_session = !pty->has_leader && !options->serve,
	};
	int code, ended_by;

	if (!showing) {
		message("out of memory");
		return EXIT_SYSTEM;
	}
	*showing = (struct showing){
		.window = *window,
		.offer = *offer,
		.signals = NO_SIGNALS,
		.terminal = pty->name,
		.child = NO_PROCESS,
		.session = NO_PROCESS,
		.has_leader = pty->has_leader,
		.leader = -1,
	};
	showing->relay.window = &showing->window;
	showing->relay.master = pty->master;
	showing->relay.takes_interrupts = pty->has_leader;
	*window = NO_WINDOW;
	*offer = NO_OFFER;
	code = dump_pids_read(&pids, images);
	if (code == 0)
		code = start_and_show(&starting, plan);
	pty->master = -1;
	relay_hang_up(&showing->relay);
	window_close(&showing->window);
	offer_close(&showing->offer);
	/* Until somebody waits for its leader, the number is its own. The session stays for a window that has the terminal by now. */
	if (showing->session > 0 && !showing->session_is_over && !showing->is_given_away)
		(void)kill(showing->session, SIGKILL);
	dump_pids_free(&pids);
	ended_by = showing->ended_by;
	free(showing);
	return ended_by ? signals_end_by(ended_by) : code;
}
