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
	bool serve;
	uint32_t timeout; /* seconds; 0: not given */
	char **command; /* ends in NULL; empty where --check or --serve stands alone */
};

#endif
