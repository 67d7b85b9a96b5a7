/* Capacities of the caller's pipes. They only ever grow. */
#ifndef FDGRAFT_PIPE_SIZE_H
#define FDGRAFT_PIPE_SIZE_H

#include "caller.h"
#include "targets.h"

enum growing {
	GROW_NOTHING, /* only find out whether the caller's pipes could grow */
	GROW_PIPES,
};

/* Makes the pipe hold so many bytes at least. 0, or an errno. */
int grow_pipe(int fd, uint64_t size, enum growing growing);

struct remedy {
	char text[160];
};

/* What helps after grow_pipe() has answered with that. */
const char *growing_remedy(struct remedy *remedy, int error, uint64_t size);

/*
 * Each pipe of the caller gets the largest capacity that one of its entries had at the dump; one that may not grow is a
 * warning(). `targets`: of the entries of this task alone, unless NULL. -1 has said why (a system error).
 */
int pipe_sizes_restore(const struct plan *plan, const struct callers *callers, const struct targets *targets,
		       enum growing growing);

#endif
