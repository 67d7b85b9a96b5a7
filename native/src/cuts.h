/*
 * Files of the caller that are cut to the size which the dump recorded: what of them fits, and the cutting, which comes
 * after everything that can fail.
 */
#ifndef FDGRAFT_CUTS_H
#define FDGRAFT_CUTS_H

#include "caller.h"
#include "targets.h"

struct cut {
	const struct caller *caller; /* the first that is open on the file; for the checks alone */
	const struct graft *graft;
	uint32_t caller_fd;
	uint64_t size;
	int fd; /* set by cuts_hold(): a dup of the caller's, which can write */
};

struct cuts {
	struct cut *list; /* one a file, by what they are open on */
	size_t count;
};

/*
 * Collects the cuts of callers that were inspected, and tells the placeholders on these files where their end is going to
 * be. What keeps a file from being cut is a problem(), the bytes that go are a warning(). `targets`: those of this task
 * alone, unless NULL. -1 has said why (a system error).
 */
int cuts_check(struct cuts *cuts, struct plan *plan, const struct callers *callers, const struct targets *targets);

/* The one of the file that a descriptor is open on, or NULL. Before cuts_hold(). */
const struct cut *cut_of(const struct cuts *cuts, const struct caller *caller);

/* Takes descriptors of its own, clear of the numbers in `taken` (ascending). -1 has said why. */
int cuts_hold(struct cuts *cuts, const uint32_t *taken, size_t taken_count);

/* Looks whether each file can be cut still. -1 has said why. */
int cuts_ready(const struct cuts *cuts);

/* Cuts all of them. -1 has said why; files before the one that failed are cut. */
int cuts_make(const struct cuts *cuts);

/* Closes all; what is not cut is not going to be. */
void cuts_free(struct cuts *cuts);

#endif
