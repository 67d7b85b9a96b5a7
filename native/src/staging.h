/*
 * Unread bytes on their way: read out of the images into pipes of our own, each beside an open way into the caller's pipe.
 * Getting them there then takes no reading, no memory and no waiting.
 */
#ifndef FDGRAFT_STAGING_H
#define FDGRAFT_STAGING_H

#include "delivery.h"

struct staged {
	uint32_t caller_fd;
	uint64_t bytes;
	int from; /* holds the bytes */
	int to; /* the caller's pipe; an open file of its own, never one of the caller's */
};

struct staging {
	struct staged *list;
	size_t count;
};

/* After deliveries_check(). The descriptors keep clear of the numbers in `taken` (ascending). -1 has said why. */
int staging_fill(struct staging *staging, const struct deliveries *deliveries, const struct plan *plan, int directory,
		 const uint32_t *taken, size_t taken_count);

/* Moves all of it. -1 has said why; where a pipe is not as it was when it was checked, none has got anything. */
int staging_deliver(struct staging *staging);

/* Empties the caller's pipes of what was delivered. */
void staging_take_back(const struct staging *staging);

/* Closes all; what was not delivered is not going to be. */
void staging_free(struct staging *staging);

#endif
