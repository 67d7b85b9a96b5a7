/* --pty: a fresh terminal in the place of a caller fd. */
#ifndef FDGRAFT_PTY_H
#define FDGRAFT_PTY_H

#include <limits.h>
#include <stdbool.h>

#include "caller.h"
#include "options.h"
#include "window.h"

struct pty {
	uint32_t number; /* the caller fd */
	bool has_leader; /* the checkpoint has the leader of its session */
	int master; /* this and the next: -1 where it is not open */
	int slave; /* at `number` if that is above 2: others have the caller's own 0, 1 and 2 */
	char name[64];
};

#define NO_PTY ((struct pty){.master = -1, .slave = -1})

/*
 * Finds out which caller fd it is, and opens both sides. `window`: where its settings and size come from, if it is open.
 * Returns an exit code; what is wrong is said.
 */
int pty_make(struct pty *pty, const struct plan *plan, const struct options *options, const struct window *window);

/* A caller fd as it is in this process: itself, or the slave. */
int pty_fd_of(const struct pty *pty, uint32_t number);

/* The slave alone: another process has it. */
void pty_close_slave(struct pty *pty);
void pty_close(struct pty *pty);

#endif
