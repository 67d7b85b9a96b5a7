/* COMMAND with everything in place for the plugin. */
#ifndef FDGRAFT_LAUNCH_H
#define FDGRAFT_LAUNCH_H

#include "caller.h"
#include "options.h"

/* Returns only what to exit with. */
int launch(const struct options *options, const struct plan *plan, struct callers *callers);

/* execvp, and the exit code where that fails. */
int run_command(char *const *command);

/* 0 where run_command() finds that, as far as can be told beforehand; else the exit code, and why is said. */
int look_for_command(const char *name);

#endif
