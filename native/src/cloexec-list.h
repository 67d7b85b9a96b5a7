/* FDGRAFT_CLOEXEC. */
#ifndef FDGRAFT_CLOEXEC_LIST_H
#define FDGRAFT_CLOEXEC_LIST_H

#include "targets.h"

/* 0, or -1, which is said. */
int cloexec_list_set(const struct targets *targets);

#endif
