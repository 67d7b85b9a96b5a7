/* The numbers that the tasks of a checkpoint have: no process that lives during the restore may have one of them. */
#ifndef FDGRAFT_DUMP_PIDS_H
#define FDGRAFT_DUMP_PIDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images.h"

struct dump_pids {
	uint32_t *list; /* ascending */
	size_t count;
	size_t room;
};

/* Pids, threads, groups and sessions of pstree.img; none where it is missing. Returns an exit code; what is wrong is said. */
int dump_pids_read(struct dump_pids *pids, const struct images *images);
bool dump_pids_have(const struct dump_pids *pids, uint32_t pid);
void dump_pids_free(struct dump_pids *pids);

#endif
