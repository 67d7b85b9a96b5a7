/* COMMAND with everything in place for the plugin. */
#ifndef FDGRAFT_LAUNCH_H
#define FDGRAFT_LAUNCH_H

#include "caller.h"
#include "options.h"

/* Returns only what to exit with. */
int launch(const struct options *options, const struct plan *plan, struct callers *callers);

/* execvp, and the exit code where that fails. */
int run_command(char *const *command);

#endif
