/* An open file of its own on what the caller's descriptor is open on. */
#ifndef FDGRAFT_REOPEN_H
#define FDGRAFT_REOPEN_H

#include "caller.h"

/* The status flags that count. O_LARGEFILE never does; O_ASYNC is set on what is opened again, and no reason to. */
#define COUNTED_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_SYNC | O_DSYNC | O_NOATIME)

/* Flags of the entry that mean the same on what the caller has: O_DIRECT is the packet mode of a pipe, and no flag of a file. */
int entry_flags(const struct caller *caller, const struct graft *graft);

/*
 * Those that the caller decides, whatever the entry had. A file that the caller appends to, opened again without
 * O_APPEND, would be written over from the caller's offset on. A task that had a pipe has no offset to lose by a dup.
 */
int caller_decides(const struct caller *caller, const struct graft *graft);

/* The status flags of the open file that restored tasks get where the graft is opened again. */
int reopened_flags(const struct caller *caller, const struct graft *graft);

/* True if restored tasks write at the end of the file. */
bool graft_appends(const struct caller *caller, const struct graft *graft);

/* The new descriptor, close-on-exec, with the entry's access mode, status flags and position; -1 with errno. */
int reopen(const struct caller *caller, const struct graft *graft);

#endif
