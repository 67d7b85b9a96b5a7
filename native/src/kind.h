/* The kind of open file that a placeholder asks for, and whether the caller's is of it. */
#ifndef FDGRAFT_KIND_H
#define FDGRAFT_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.pb-c.h"

struct caller;
struct graft;
struct plan;

enum kind_name {
	KIND_ANY, /* any file, pipe, device or socket */
	KIND_DIRECTORY,
	KIND_MEMFD, /* or a regular file */
	KIND_SOCKET,
	KIND_TERMINAL,
	KIND_EVENTFD,
	KIND_INOTIFY,
	KIND_PIDFD,
	KIND_SIGNALFD,
	KIND_TIMERFD,
	KIND_UNKNOWN, /* of a caller's: an anonymous inode of another kind */
};

struct kind {
	enum kind_name name;
	uint32_t domain; /* this and the following: of a socket */
	uint32_t type; /* 0: any */
	uint32_t protocol;
	Fdgraft__PlanSocketState state;
	unsigned char *bound; /* what it has to be bound to; NULL: anything */
	size_t bound_length;
	bool has_seals; /* this and the following: of a memfd */
	uint32_t seals;
};

/* Reads a plan's kind into *kind, which kind_free() frees. Returns the fault of the plan, or NULL. */
const char *kind_read(struct kind *kind, const Fdgraft__PlanKind *from);
void kind_free(struct kind *kind);

/* The kind of an anonymous inode by what /proc/self/fd shows for it. */
enum kind_name kind_of_link(const char *link);

/*
 * Compares the caller's open file with what the graft needs, and says what does not fit: 1, or 0 where it fits. -1 has said
 * why: a system error.
 */
int kind_check(const struct plan *plan, const struct caller *caller, const struct graft *graft);

#endif
