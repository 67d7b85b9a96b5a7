/* Bytes that were unread in a pipe at the dump, and the caller's pipes that they go to. */
#ifndef FDGRAFT_UNREAD_H
#define FDGRAFT_UNREAD_H

#include "caller.h"
#include "pipe-size.h"
#include "targets.h"

#define UNREAD_LET_GO "let the bytes go with fdgraft rewrite --drop-in-flight"

struct unread_part {
	struct unread_bytes *bytes;
	const struct caller *caller;
};

/* All that goes into one pipe of the caller. */
struct unread_pipe {
	const struct unread_part *parts; /* in the order of the plan */
	size_t count;
	bool is_read; /* by the task that unread_limit() looks at */
	uint64_t bytes; /* set by unread_check() */
};

struct unread_pipes {
	struct unread_part *parts;
	struct unread_pipe *list; /* by what they are open on */
	size_t count;
};

/* One element for each pipe, of callers that were inspected. -1 has said why. */
int unread_collect(struct unread_pipes *unread, const struct plan *plan, const struct callers *callers);

/* The one into the pipe that a descriptor is open on, or NULL. */
struct unread_pipe *unread_into(const struct unread_pipes *unread, const struct caller *caller);

/* Leaves out what goes into pipes that the task has no readable descriptor of. */
void unread_limit(struct unread_pipes *unread, const struct plan *plan, const struct callers *callers,
		      const struct targets *targets);

/* Each reason against a delivery of the bytes is a problem(). -1 has said why (a system error). */
int unread_check(const struct unread_pipes *unread, const struct plan *plan, int directory, enum growing growing);

void unread_free(struct unread_pipes *unread);

#endif
