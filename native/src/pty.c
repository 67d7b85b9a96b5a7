#include "pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clear-dup.h"
#include "exit-codes.h"
#include "message.h"

/* The caller fds of terminals: the first, the first that is another one, and what is known of them. */
struct wanted {
	size_t count; /* of different ones, up to 2 */
	uint32_t numbers[2];
	size_t closed_count; /* of different ones that are not open, up to 2 */
	uint32_t closed;
};

static void add(struct wanted *wanted, uint32_t number)
{
	if (wanted->count == 0 || (wanted->count == 1 && wanted->numbers[0] != number))
		wanted->numbers[wanted->count++] = number;
	if (fcntl((int)number, F_GETFD) >= 0 || (wanted->closed_count > 0 && wanted->closed == number))
		return;
	wanted->closed_count++;
	wanted->closed = number;
}

/* One that the caller has open is the caller's, unless it is the only one. */
static int choose_number(struct pty *pty, const struct plan *plan)
{
	struct wanted wanted = {0};

	for (size_t i = 0; i < plan->graft_count; i++)
		if (is_whole_terminal(&plan->grafts[i]))
			add(&wanted, plan->grafts[i].caller_fd);
	if (wanted.count == 0) {
		message("--pty: the plan %s has no terminal; leave --pty out, or name one by fdgraft rewrite --inherit-fd 'fd[5]:/dev/pts/N' (fdgraft ls shows them)",
			plan->shown_path);
		return EXIT_UNUSABLE;
	}
	if (wanted.count > 1 && wanted.closed_count != 1) {
		message("--pty makes one terminal, and the plan asks for terminals at caller fds %u and %u%s; %s",
			wanted.numbers[0], wanted.numbers[1],
			wanted.closed_count ? ", of which more than one is not open" : ", which are all open",
			wanted.closed_count ? "open the others yourself, as in 7<>/dev/pts/N" : "leave that closed which --pty is to make");
		return EXIT_UNUSABLE;
	}
	pty->number = wanted.count > 1 ? wanted.closed : wanted.numbers[0];
	for (size_t i = 0; i < plan->graft_count; i++)
		if (is_whole_terminal(&plan->grafts[i]) && plan->grafts[i].caller_fd == pty->number)
			pty->has_leader = pty->has_leader || plan->grafts[i].own_key.controlling;
	return 0;
}

static int cannot(const char *what)
{
	message("--pty: cannot %s: %s", what, cause_of(errno));
	return EXIT_SYSTEM;
}

static int open_sides(struct pty *pty, const struct plan *plan)
{
	const int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;

	pty->master = posix_openpt(flags | O_NONBLOCK);
	if (pty->master < 0)
		return cannot("make a terminal");
	pty->master = dup_clear_of_callers(pty->master, plan);
	if (pty->master < 0)
		return EXIT_SYSTEM;
	if (unlockpt(pty->master) || ptsname_r(pty->master, pty->name, sizeof(pty->name)))
		return cannot("unlock the terminal");
	pty->slave = ioctl(pty->master, TIOCGPTPEER, flags);
	if (pty->slave < 0)
		return cannot("open the terminal");
	pty->slave = dup_clear_of_callers(pty->slave, plan);
	return pty->slave < 0 ? EXIT_SYSTEM : 0;
}

static int put_slave(struct pty *pty)
{
	if (pty->number <= STDERR_FILENO)
		return 0;
	/* As one of the caller's: COMMAND gets it where its own --inherit-fd names it. */
	if (dup2(pty->slave, (int)pty->number) < 0)
		return cannot("put the terminal in its place");
	close(pty->slave);
	pty->slave = (int)pty->number;
	return 0;
}

static int set_like(const struct pty *pty, const struct window *window)
{
	struct winsize size;

	if (window->fd < 0)
		return 0;
	if (tcsetattr(pty->slave, TCSANOW, &window->before))
		return cannot("set up the terminal");
	/* A window without a size, as a serial line, is none to follow. */
	if (ioctl(window->fd, TIOCGWINSZ, &size) == 0 && ioctl(pty->master, TIOCSWINSZ, &size))
		return cannot("set the size of the terminal");
	return 0;
}

int pty_make(struct pty *pty, const struct plan *plan, const struct options *options, const struct window *window)
{
	int code;

	*pty = NO_PTY;
	code = choose_number(pty, plan);
	if (code == 0)
		code = open_sides(pty, plan);
	if (code == 0)
		code = set_like(pty, window);
	if (code == 0)
		code = put_slave(pty);
	if (code == 0 && options->serve && !pty->has_leader)
		warning("--serve: the session of the terminal is not in the checkpoint, so it is no controlling terminal: ^C and ^Z send no signals");
	return code;
}

int pty_fd_of(const struct pty *pty, uint32_t number)
{
	return pty->slave >= 0 && number == pty->number ? pty->slave : (int)number;
}

void pty_close_slave(struct pty *pty)
{
	if (pty->slave >= 0)
		close(pty->slave);
	pty->slave = -1;
}

void pty_close(struct pty *pty)
{
	pty_close_slave(pty);
	if (pty->master >= 0)
		close(pty->master);
	pty->master = -1;
}
