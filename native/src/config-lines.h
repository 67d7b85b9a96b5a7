/* CRIU's configuration files: which ones a COMMAND makes CRIU read, and the lines in them that matter here. */
#ifndef FDGRAFT_CONFIG_LINES_H
#define FDGRAFT_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

struct config_found {
	bool libdir_is_wrong; /* set by the caller: then a libdir line is a problem() */
	char *auto_dedup_file; /* escaped; NULL: none has it. To be freed. */
	size_t auto_dedup_line;
	bool shell_job; /* by the last line that is about it */
};

/* -1 when memory is out, which is said. */
int config_look(struct config_found *found, char *const *command);

#endif
