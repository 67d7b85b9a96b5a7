/* The folder that CRIU_LIBS_DIR names: fdgraft.so, and the plugins that CRIU would have loaded without us. */
#ifndef FDGRAFT_PLUGIN_FOLDER_H
#define FDGRAFT_PLUGIN_FOLDER_H

#include <limits.h>
#include <stdbool.h>

struct plugin_folder {
	char path[PATH_MAX];
	bool made; /* a fresh folder of links, to be removed again */
};

/* `plugins`: --plugins, or NULL. Returns an exit code; what is wrong is said. */
int plugin_folder_find(struct plugin_folder *folder, const char *plugins, bool only_check);
void plugin_folder_remove(struct plugin_folder *folder);

#endif
