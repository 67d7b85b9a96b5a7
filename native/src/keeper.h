/*
 * The process that keeps the caller fds until the plugin has fetched them. CRIU aborts a restore when any child of it ends,
 * so it is a child of neither COMMAND nor of what COMMAND starts, and has no number that the checkpoint needs. It ends when
 * the fds are fetched, when COMMAND is gone, when it is told to, and on SIGTERM, and takes the start's directory with it.
 */
#ifndef FDGRAFT_KEEPER_H
#define FDGRAFT_KEEPER_H

#include "caller.h"
#include "dump-pids.h"
#include "start-dir.h"

struct keeper {
	int control; /* at its end when the keeper is gone */
};

/* Returns when it listens. -1 has said why, and the keeper is gone; the directory stays with the caller then. */
int keeper_start(struct keeper *keeper, const struct plan *plan, const struct callers *callers, const struct dump_pids *pids,
		 struct start_dir *dir);

/* Ends it, and waits until it is gone with all that it had. */
void keeper_end(struct keeper *keeper);

#endif
