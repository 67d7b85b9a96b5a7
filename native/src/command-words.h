/* Words of COMMAND, and lines of CRIU's configuration, that would undo what the launcher does. */
#ifndef FDGRAFT_COMMAND_WORDS_H
#define FDGRAFT_COMMAND_WORDS_H

#include <stdbool.h>

#include "images.h"
#include "plan.h"

/*
 * Each one found is a problem(). `own_plugin`: CRIU has to load the plugin that the launcher names, so nothing may hide
 * it. `own_session`: COMMAND starts in the session of the launcher. Returns an exit code; what is wrong is said.
 */
int refuse_command(char *const *command, const struct plan *plan, const struct images *images, bool own_plugin,
		   bool own_session);

/* True for every spelling that getopt_long takes for CRIU's --libdir or -L. */
bool is_libdir_word(const char *word);
bool is_auto_dedup_word(const char *word);
bool is_inherit_fd_word(const char *word);
bool is_shell_job_word(const char *word);
bool is_no_shell_job_word(const char *word);

#endif
