/*
 * The terminal that a user sits at, while another terminal is shown on it: raw, and as it was before at the end. A small
 * process, the guard, sees to that if this one is killed.
 */
#ifndef FDGRAFT_WINDOW_H
#define FDGRAFT_WINDOW_H

#include <stdbool.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "dump-pids.h"
#include "plan.h"

struct window {
	int fd; /* an open file of its own, which does not block; -1: none */
	struct termios before;
	bool is_raw; /* keys come as bytes */
	bool is_bare; /* and what is written is not changed any more */
	int guard; /* the guard ends at the end of this; -1: there is none */
	pid_t guard_pid;
};

#define NO_WINDOW ((struct window){.fd = -1, .guard = -1})

/*
 * Opens the terminal at descriptor 0 again. `plan`, if there is one, says which numbers to stay clear of; `otherwise`: a
 * way out if there is no terminal. Returns an exit code; what is wrong is said.
 */
int window_open(struct window *window, const struct plan *plan, const char *otherwise);

/* Starts the guard. -1 has said why. */
int window_guard(struct window *window, const struct dump_pids *pids);

/* Raw; messages that are written to it keep their lines until it is bare. If that fails, its settings stay. */
void window_make_raw(struct window *window);
void window_make_bare(struct window *window);

/* The settings of before. Settings that somebody else in the foreground has made stay. */
void window_restore(struct window *window);

/* True if this process may use it: it is not in the background. */
bool window_is_ours(const struct window *window);

/* Restores it, ends the guard and closes it. */
void window_close(struct window *window);

#endif
