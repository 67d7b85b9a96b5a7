/* The open files that the plugin gives to CRIU's own store, and its answers to the hook for files. */
#ifndef FDGRAFT_ANSWERS_H
#define FDGRAFT_ANSWERS_H

#include "caller.h"

/* Gives CRIU an open file for each placeholder, after choose(). -1 has said why. */
int answers_store(const struct plan *plan, const struct callers *callers);

/* A fresh descriptor for a file id: -ENOTSUP if the plan does not name it, -ENOENT if CRIU has lost it. Looks up alone. */
int answers_fd(uint32_t file_id);

/* Frees all. The open files stay CRIU's. */
void answers_forget(void);

#endif
