/*
 * What `fdgraft restore` tells the plugin in the environment:
 *
 *   FDGRAFT_LOCK = N
 *
 * The number of the descriptor by which criu keeps the directory of its images locked.
 */
#ifndef FDGRAFT_LOCK_VARIABLE_H
#define FDGRAFT_LOCK_VARIABLE_H

#define LOCK_ENV "FDGRAFT_LOCK"

/*
 * Keeps that descriptor from what criu executes: action scripts, and the command of --exec-cmd. `text`: the variable, or
 * NULL. Any other number than that of a descriptor on the parent of `images` is left alone.
 */
void lock_close_on_exec(const char *text, int images);

#endif
