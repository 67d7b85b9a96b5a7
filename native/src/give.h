/* The keeper's side of a connection. */
#ifndef FDGRAFT_GIVE_H
#define FDGRAFT_GIVE_H

#include <stdbool.h>

#include "caller.h"
#include "start-dir.h"

struct gift {
	const struct plan *plan;
	struct callers *callers; /* caller->fd is where each one is open here */
	bool has_debugs; /* the plan's debug texts are written when all is fetched, to descriptors of this process */
	struct start_dir *dir;
};

enum given {
	GIVEN_NOT, /* nothing is consumed */
	GIVEN,
	GIVEN_WITHOUT_DEBUGS, /* a debug text could not be written, which is said */
};

/*
 * Serves one connection to its end, within a time limit, and closes it. When all is fetched, the start's directory goes, and
 * this process has none of the descriptors above 2 any more, before the peer is told.
 */
enum given give(const struct gift *gift, int listener);

/* The same over a connection, which does not block and stays open. */
enum given give_over(const struct gift *gift, int connection);

#endif
