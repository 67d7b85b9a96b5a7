/* COMMAND on a terminal of its own: this process shows it, and COMMAND is a child. */
#ifndef FDGRAFT_PTY_RUN_H
#define FDGRAFT_PTY_RUN_H

#include "images.h"
#include "pty.h"
#include "relay-loop.h"

/* Becomes COMMAND, or serves it: returns an exit code. */
struct pty_command {
	int (*run)(const void *context);
	const void *context;
};

/* Takes over the window and what is prepared of the offer. Returns an exit code, that of COMMAND. */
int pty_run(struct pty *pty, struct window *window, struct offer *offer, const struct plan *plan, const struct images *images,
	    const struct options *options, const struct pty_command *command);

#endif
