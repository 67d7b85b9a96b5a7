/* Forks that stay clear of the numbers which the tasks of a checkpoint need. */
#ifndef FDGRAFT_CLEAR_FORK_H
#define FDGRAFT_CLEAR_FORK_H

#include <sys/types.h>

#include "dump-pids.h"

/* As fork(). -1 has said why. */
pid_t fork_clear_of(const struct dump_pids *pids);

/* The same, but a child of this process's parent, in the session of this process. */
pid_t fork_sibling_clear_of(const struct dump_pids *pids);

#endif
