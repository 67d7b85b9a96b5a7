/* Why the kernel refuses to change a file, although a descriptor is open for writing to it. */
#ifndef FDGRAFT_LOCKED_H
#define FDGRAFT_LOCKED_H

#include "caller.h"

/* NULL: nothing that can be told beforehand. */
const char *locked_against_cuts(const struct caller *caller);

/* `appends`: all that is written goes to the end of the file. */
const char *locked_against_writes(const struct caller *caller, bool appends);

/* True for a file that opens for writing only with O_APPEND. */
bool is_for_appending_only(const struct caller *caller);

#endif
