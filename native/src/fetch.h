/* The plugin's side: finds the socket, and fetches the caller fds. */
#ifndef FDGRAFT_FETCH_H
#define FDGRAFT_FETCH_H

#include "caller.h"
#include "start-dir.h"

/*
 * Sets caller->fd of each one. `variable`: what SOCKET_ENV had, or NULL: then the socket is looked for by the plan's digest.
 * `dir` gets the start's directory where that is this process's to remove now. -1 has said why, and no descriptor is open.
 */
int fetch(struct callers *callers, const struct plan *plan, const char *variable, struct start_dir *dir);

/* The same over a connection to the keeper, which stays open. */
int fetch_over(int connection, struct callers *callers, const struct plan *plan, struct start_dir *dir);

/* Closes what fetch() set. */
void fetched_close(struct callers *callers);

#endif
