/* For a process that stays: what the caller gave is none of its own. */
#ifndef FDGRAFT_CLOSE_OTHERS_H
#define FDGRAFT_CLOSE_OTHERS_H

#include <stddef.h>

/* Closes all descriptors from `lowest` on that are not among these. -1 has said why. */
int close_others(int lowest, const int *kept, size_t count);

#endif
