#include "signals.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "message.h"

static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, 0};

static void add(sigset_t *set, const int *numbers)
{
	for (; *numbers; numbers++) {
		struct sigaction now;

		if (sigaction(*numbers, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaddset(set, *numbers);
	}
}

int signals_take(struct taken_signals *taken, const int *more)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	add(&set, forwarded);
	add(&set, more);
	if (sigaction(SIGCHLD, &plain, &taken->on_child) || sigprocmask(SIG_BLOCK, &set, &taken->mask)) {
		message("cannot block signals: %s", cause_of(errno));
		return -1;
	}
	taken->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (taken->fd >= 0)
		return 0;
	message("cannot make a signalfd: %s", cause_of(errno));
	return -1;
}

int signals_give_back(const struct taken_signals *taken)
{
	if (sigaction(SIGCHLD, &taken->on_child, NULL) == 0 && sigprocmask(SIG_SETMASK, &taken->mask, NULL) == 0)
		return 0;
	message("cannot set signals back: %s", cause_of(errno));
	return -1;
}

int signals_end_by(int number)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	(void)sigaction(number, &plain, NULL);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(number);
	return SIGNALLED + number;
}

int exit_code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : SIGNALLED + WTERMSIG(status);
}
