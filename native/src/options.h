/* What fdgraft-exec was told to do. */
#ifndef FDGRAFT_OPTIONS_H
#define FDGRAFT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *plan;
	const char *plugins; /* NULL: not given */
	uint32_t task; /* 0: not given */
	bool check;
	char **command; /* ends in NULL; empty where --check stands alone */
};

#endif
