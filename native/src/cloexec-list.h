/* FDGRAFT_CLOEXEC. */
#ifndef FDGRAFT_CLOEXEC_LIST_H
#define FDGRAFT_CLOEXEC_LIST_H

#include "targets.h"

/* A list that exec() would refuse is a problem(): found there, a file may be cut already. */
void cloexec_list_check(const struct targets *targets, uint32_t pid);

/* 0, or -1, which is said. */
int cloexec_list_set(const struct targets *targets);

#endif
