/* COMMAND with everything in place for the plugin. */
#ifndef FDGRAFT_LAUNCH_H
#define FDGRAFT_LAUNCH_H

#include "caller.h"
#include "images.h"
#include "options.h"
#include "start-dir.h"

/* Returns only what to exit with. */
int launch(const struct options *options, const struct plan *plan, const struct callers *callers, const struct images *images);

/* Sets what CRIU's plugin needs, and CRIU to find that plugin. Returns an exit code; what is wrong is said. */
int launch_environment(const struct plan *plan, const struct options *options, struct start_dir *dir);

/* execvp, and the exit code where that fails. */
int run_command(char *const *command);

/* 0 where run_command() finds that, as far as can be told beforehand; else the exit code, and why is said. */
int look_for_command(const char *name);

#endif
