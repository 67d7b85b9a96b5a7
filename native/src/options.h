/* What fdgraft-exec was told to do. */
#ifndef FDGRAFT_OPTIONS_H
#define FDGRAFT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	const char *plan;
	const char *plugins; /* NULL: not given */
	const char *attach; /* NULL: not given; else nothing else is */
	const char *pty_socket; /* of --pty=SOCKET; NULL: the caller's own terminal */
	uint32_t task; /* 0: not given */
	bool check;
	bool serve;
	bool pty;
	uint32_t timeout; /* seconds; 0: not given */
	char **command; /* ends in NULL; empty where --check or --serve stands alone */
};

#endif
