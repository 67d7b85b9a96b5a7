/* Bytes that were unread in a pipe at the dump, and the caller's pipes that they go to. */
#ifndef FDGRAFT_DELIVERY_H
#define FDGRAFT_DELIVERY_H

#include "caller.h"
#include "pipe-size.h"
#include "targets.h"

struct piece {
	struct in_flight *bytes;
	const struct caller *caller;
};

/* All that goes into one pipe of the caller. */
struct delivery {
	const struct piece *pieces; /* in the order of the plan */
	size_t count;
	bool is_read; /* by the task that deliveries_limit() looks at */
	uint64_t bytes; /* set by deliveries_check() */
};

struct deliveries {
	struct piece *pieces;
	struct delivery *list; /* by what they are open on */
	size_t count;
};

/* One delivery for each pipe, of callers that were inspected. -1 has said why. */
int deliveries_collect(struct deliveries *deliveries, const struct plan *plan, const struct callers *callers);

/* The one into the pipe that a descriptor is open on, or NULL. */
struct delivery *delivery_into(const struct deliveries *deliveries, const struct caller *caller);

/* Leaves out what goes into pipes that the task has no readable descriptor of. */
void deliveries_limit(struct deliveries *deliveries, const struct plan *plan, const struct callers *callers,
		      const struct targets *targets);

/* What keeps bytes from being delivered is a problem(). -1 has said why (a system error). */
int deliveries_check(const struct deliveries *deliveries, const struct plan *plan, int directory, enum growing growing);

/* A debug text for one of these pipes is a problem(): it would come before the bytes. */
void deliveries_refuse_debugs(const struct deliveries *deliveries, const struct plan *plan);

void deliveries_free(struct deliveries *deliveries);

#endif
