/* The caller's descriptors: what each one is. */
#ifndef FDGRAFT_CALLER_H
#define FDGRAFT_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "kind.h"
#include "plan.h"

enum caller_kind {
	CALLER_CLOSED,
	CALLER_PATH, /* O_PATH */
	CALLER_DIRECTORY,
	CALLER_FILE, /* regular, memfds and block devices too */
	CALLER_SECRET, /* of memfd_secret(2): it can be mapped, and neither read nor written */
	CALLER_PIPE,
	CALLER_FIFO, /* with a name */
	CALLER_SOCKET,
	CALLER_DEVICE, /* character device, tty */
	CALLER_PTMX,
	CALLER_ANONYMOUS, /* epoll, eventfd and the like */
};

struct caller {
	uint32_t number; /* as the plan names it */
	int fd; /* where it is open in this process; -1: not handed over */
	enum caller_kind kind;
	enum kind_name anonymous; /* which, where kind is CALLER_ANONYMOUS */
	int flags; /* F_GETFL */
	bool seekable;
	bool stored; /* the plugin gave it to CRIU */
	bool refused; /* by choose(), which has said why */
	bool gets_nonblock; /* set by nonblocks_mark(): O_NONBLOCK, before the tasks run */
	uint32_t sharers; /* placeholders that name it and have an offset: not those with mappings alone */
	uint32_t first_spec; /* of those, the spec of the first */
	bool overwritten; /* something writes over the content of the file; set by offsets_check() */
	bool is_alone; /* set by peers_check(): its other end is closed */
	struct stat status;
};

struct callers {
	struct caller *list; /* ascending number */
	size_t count;
};

/* One caller for each descriptor that a placeholder names; nothing is looked at yet. -1 has said why. */
int callers_collect(struct callers *callers, const struct plan *plan);

/* Looks at caller->fd. -1 has said why (a system error); a closed descriptor is none. */
int caller_inspect(struct caller *caller);

/* With its article, for messages. */
const char *caller_kind_name(enum caller_kind kind);

/* An order of what they are open on; 0: one file or pipe. */
int caller_compare_files(const struct caller *left, const struct caller *right);

/*
 * An order of open files (open file descriptions); 0: one, at one number or at two. Without kcmp(2), as in some containers,
 * each number counts as an open file of its own.
 */
int caller_compare_open_files(const struct caller *left, const struct caller *right);

/* True for what cannot be opened a second time. */
bool caller_is_dup_only(const struct caller *caller);

bool caller_can_write(const struct caller *caller);

/* True for a FIFO too. */
bool caller_is_pipe(const struct caller *caller);

struct caller *caller_find(const struct callers *callers, uint32_t number);
void callers_free(struct callers *callers);

#endif
