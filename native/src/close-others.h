/* For a process that stays: what the caller gave is none of its own. */
#ifndef FDGRAFT_CLOSE_OTHERS_H
#define FDGRAFT_CLOSE_OTHERS_H

#include <stdbool.h>
#include <stddef.h>

/* True for a descriptor that stays. */
typedef bool stays_open(const void *context, int fd);

/* Closes all others. -1 has said why, with errno. */
int close_all_but(stays_open *stays, const void *context);

/* Closes all descriptors from `lowest` on that are not among these. -1 has said why. */
int close_others(int lowest, const int *kept, size_t count);

#endif
