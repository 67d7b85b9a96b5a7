/* The directory that CRIU_LIBS_DIR names: fdgraft.so, and the plugins that CRIU would have loaded without us. */
#ifndef FDGRAFT_PLUGIN_DIRECTORY_H
#define FDGRAFT_PLUGIN_DIRECTORY_H

#include <limits.h>

#include "images.h"
#include "start-dir.h"

struct plugin_directory {
	char path[PATH_MAX];
};

/*
 * `plugins`: --plugins, or NULL. `dir`: where a directory of links is made, if one is needed; NULL only checks. Returns
 * an exit code; what is wrong is said.
 */
int plugin_directory_find(struct plugin_directory *directory, const char *plugins, struct start_dir *dir);

/* If a plugin that the dump needs is in no directory to bring along. */
enum hidden {
	HIDDEN_IS_PROBLEM,
	HIDDEN_IS_WARNING, /* CRIU may get another environment than COMMAND */
};

/* Looks for the plugins that inventory.img names. Returns an exit code; problems are only counted. */
int plugin_directory_check(const char *plugins, const struct images *images, enum hidden hidden);

#endif
