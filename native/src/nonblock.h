/* Open files of the caller's that get O_NONBLOCK, because a plan says so: the restored tasks share them. */
#ifndef FDGRAFT_NONBLOCK_H
#define FDGRAFT_NONBLOCK_H

#include "caller.h"
#include "targets.h"

struct nonblock {
	uint32_t caller_fd;
	int source; /* the caller's, until nonblocks_hold() */
	int fd; /* set by nonblocks_hold(): a dup of it */
	bool set; /* by nonblocks_set() */
};

struct nonblocks {
	struct nonblock *list; /* one a caller fd */
	size_t count;
};

/* Tells each caller fd whether it gets O_NONBLOCK. For choose(), which needs to know the flags that the tasks meet. */
void nonblocks_mark(const struct plan *plan, struct callers *callers);

/* Collects the caller fds that are marked. `targets`: those of this task alone, unless NULL. -1 has said why. */
int nonblocks_collect(struct nonblocks *nonblocks, const struct plan *plan, const struct callers *callers,
		      const struct targets *targets);

/* Takes descriptors of its own, clear of the numbers in `taken` (ascending). -1 has said why. */
int nonblocks_hold(struct nonblocks *nonblocks, const uint32_t *taken, size_t taken_count);

/* Sets the flag. -1 has said why, and no open file has it then that had it not before. */
int nonblocks_set(struct nonblocks *nonblocks);

/* Clears what nonblocks_set() set. */
void nonblocks_take_back(struct nonblocks *nonblocks);

/* Closes all. */
void nonblocks_free(struct nonblocks *nonblocks);

#endif
