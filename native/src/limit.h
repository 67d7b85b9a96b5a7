/* The limit of open descriptors, RLIMIT_NOFILE. */
#ifndef FDGRAFT_LIMIT_H
#define FDGRAFT_LIMIT_H

#include <sys/resource.h>

/* Raises the soft limit to the hard one; *before gets what it was. -1 has said why. */
int limit_raise(struct rlimit *before);
/* -1 has said why. */
int limit_set_back(const struct rlimit *before);

#endif
