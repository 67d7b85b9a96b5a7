/* The plugins that a dump needs: CRIU 4.1 and later refuse to restore it without them. */
#ifndef FDGRAFT_DUMP_PLUGINS_H
#define FDGRAFT_DUMP_PLUGINS_H

#include <stddef.h>
#include <stdint.h>

#include "images.h"

struct dump_plugins {
	char **names;
	size_t count;
};

/* Those that inventory.img names; none where it is missing. Returns an exit code; what is wrong is said. */
int dump_plugins_read(struct dump_plugins *plugins, const struct images *images);
void dump_plugins_free(struct dump_plugins *plugins);

#endif
