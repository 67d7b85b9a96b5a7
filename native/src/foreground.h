/* Foreground groups of restored jobs whose session is the caller's: that of the shell that criu restore is run from. */
#ifndef FDGRAFT_FOREGROUND_H
#define FDGRAFT_FOREGROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "caller.h"
#include "plan.h"

struct foreground {
	uint32_t caller_fd;
	int fd; /* a dup; -1: none */
	uint32_t wanted; /* as the images number the group */
	pid_t before; /* the group of this process */
	pid_t given; /* 0: not yet */
};

struct foregrounds {
	struct foreground *list;
	size_t count;
};

/*
 * Notes the terminals of jobs that had the foreground. Only those that are the controlling terminal of this process while its
 * own group is in the foreground: started in the background, it takes nothing. -1 has said why.
 */
int foregrounds_hold(struct foregrounds *foregrounds, const struct plan *plan, const struct callers *callers);

/* If the group of a restored task is one that had the foreground, it has it again. */
void foregrounds_give(struct foregrounds *foregrounds, pid_t task);

/* Gives the foreground back to the group of this process. alive: unless some process of the restored group is left. */
void foregrounds_take_back(struct foregrounds *foregrounds, bool alive);

void foregrounds_free(struct foregrounds *foregrounds);

#endif
