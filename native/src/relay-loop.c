#include "relay-loop.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exit-codes.h"
#include "message.h"

int take_window_signals(struct taken_signals *signals)
{
	return signals_take(signals, (const int[]){SIGWINCH, SIGTSTP, SIGCONT, 0});
}

/* Programs that outlive the session keep the terminal open: its leader ends all, as in a window of one's own. */
static void watch_leader(struct showing *showing)
{
	pid_t leader;

	if (showing->leader >= 0 || showing->child != NO_PROCESS || showing->relay.is_done ||
	    showing->relay.master < 0)
		return;
	leader = tcgetsid(showing->relay.master);
	/* 0: it has no number here. */
	if (leader > 0)
		showing->leader = (int)syscall(SYS_pidfd_open, leader, 0);
	/* It has come and gone. */
	if (leader < 0 && showing->has_leader)
		relay_end(&showing->relay);
}

/* A signal that COMMAND ended by ends this process too. */
static void end_with_command(struct showing *showing)
{
	/* The window may have changed while CRIU restored the size. */
	relay_resize(&showing->relay, false);
	if (showing->is_told)
		relay_end(&showing->relay);
}

static void reap(struct showing *showing)
{
	int status;
	pid_t pid;

	/* As process 1, orphans come here too. */
	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		/* No shell is there that could do it later. */
		if (WIFSTOPPED(status) && showing->session != NO_PROCESS)
			(void)kill(showing->session_is_over ? pid : -showing->session, SIGCONT);
		if (WIFSTOPPED(status))
			continue;
		if (pid == showing->session)
			showing->session_is_over = true;
		if (pid != showing->child)
			continue;
		showing->child = NO_PROCESS;
		showing->status = exit_code_of(status);
		end_with_command(showing);
	}
}

static void stop_and_go_on(struct showing *showing)
{
	if (showing->window.fd >= 0)
		window_restore(&showing->window);
	(void)kill(getpid(), SIGSTOP);
}

static void go_on(struct showing *showing)
{
	if (showing->window.fd < 0 || relay_is_over(&showing->relay))
		return;
	if (window_is_ours(&showing->window))
		window_make_raw(&showing->window);
	relay_resize(&showing->relay, false);
}

static void pass_on(struct showing *showing, const struct signalfd_siginfo *info)
{
	int number = (int)info->ssi_signo;
	bool ends = number != SIGUSR1 && number != SIGUSR2;

	/* By pass_key(). */
	if (info->ssi_pid == (uint32_t)getpid())
		return;
	if (showing->child == NO_PROCESS)
		showing->ended_by = number;
	else if (ends)
		showing->is_told = true;
	/* A terminal sends its own to COMMAND as well. */
	if (showing->child != NO_PROCESS && (info->ssi_code != SI_KERNEL || showing->session != NO_PROCESS))
		(void)kill(showing->child, number);
}

static void read_signals(struct showing *showing)
{
	struct signalfd_siginfo info;

	while (read(showing->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		switch (info.ssi_signo) {
		case SIGCHLD:
			reap(showing);
			break;
		case SIGWINCH:
			relay_resize(&showing->relay, false);
			break;
		case SIGTSTP:
			stop_and_go_on(showing);
			break;
		case SIGCONT:
			go_on(showing);
			break;
		default:
			pass_on(showing, &info);
		}
}

/* As a terminal does, to all of the foreground: COMMAND may have children that do the work. */
static void pass_key(struct showing *showing)
{
	int number = showing->relay.key_signal;

	showing->relay.key_signal = 0;
	if (number && showing->child != NO_PROCESS)
		(void)kill(0, number);
}

static void answer(struct showing *showing)
{
	if (!offer_answer(&showing->offer, showing->relay.master, showing->terminal))
		return;
	showing->is_given_away = true;
	relay_hang_up(&showing->relay);
}

static int wait_and_carry(struct showing *showing)
{
	enum { SIGNALS, OFFER, LEADER, WINDOW, MASTER, EVENTS };
	struct relay *relay = &showing->relay;
	struct pollfd events[EVENTS] = {
		[SIGNALS] = {.fd = showing->signals.fd, .events = POLLIN},
		[OFFER] = offer_want(&showing->offer),
		[LEADER] = {.fd = showing->leader, .events = POLLIN},
	};

	relay_want(relay, &events[WINDOW], &events[MASTER]);
	if (poll(events, EVENTS, -1) < 0) {
		if (errno == EINTR)
			return 0;
		message("cannot wait for the terminal: %s", cause_of(errno));
		return -1;
	}
	if (events[OFFER].revents)
		answer(showing);
	relay_carry(relay, &events[WINDOW], &events[MASTER]);
	pass_key(showing);
	if (events[SIGNALS].revents)
		read_signals(showing);
	if (events[LEADER].revents) {
		close(showing->leader);
		showing->leader = -1;
		relay_end(relay);
	}
	return 0;
}

int show_terminal(struct showing *showing)
{
	for (;;) {
		bool is_over = relay_is_over(&showing->relay);

		/* COMMAND may go on with work of its own, in the window as it was. */
		if (is_over && showing->window.fd >= 0)
			window_restore(&showing->window);
		if (showing->child == NO_PROCESS && (is_over || showing->ended_by))
			return showing->status;
		watch_leader(showing);
		if (relay_is_over(&showing->relay) != is_over)
			continue;
		if (wait_and_carry(showing))
			return EXIT_SYSTEM;
	}
}
