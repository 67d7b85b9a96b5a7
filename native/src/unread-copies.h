/*
 * Unread bytes on their way: read out of the images into pipes of our own, each beside an open way into the caller's pipe.
 * Getting them there then takes no reading, no memory and no waiting.
 */
#ifndef FDGRAFT_UNREAD_COPIES_H
#define FDGRAFT_UNREAD_COPIES_H

#include "unread.h"

struct unread_copy {
	uint32_t caller_fd;
	uint64_t bytes;
	uint64_t delivered; /* of them */
	int from; /* holds the bytes */
	int to; /* the caller's pipe; an open file of its own, never one of the caller's */
};

struct unread_copies {
	struct unread_copy *list;
	size_t count;
};

/* After unread_check(). The descriptors keep clear of the numbers in `taken` (ascending). -1 has said why. */
int unread_copies_fill(struct unread_copies *copies, const struct unread_pipes *unread, const struct plan *plan, int directory,
		 const uint32_t *taken, size_t taken_count);

/* Moves all of it, or nothing: -1 has said why. */
int unread_copies_deliver(struct unread_copies *copies);

/* Empties the caller's pipes of what was delivered. */
void unread_copies_take_back(struct unread_copies *copies);

/* Closes all; what was not delivered is not going to be. */
void unread_copies_free(struct unread_copies *copies);

#endif
