/* Why the kernel refuses to change a file, although a descriptor is open for writing to it. */
#ifndef FDGRAFT_LOCKED_H
#define FDGRAFT_LOCKED_H

#include "caller.h"

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

/* NULL: nothing that can be told beforehand. */
const char *locked_against_cuts(const struct caller *caller);

/* `appends`: all that is written goes to the end of the file. */
const char *locked_against_writes(const struct caller *caller, bool appends);

/* F_SEAL_* of a file in memory; 0 for what cannot be sealed. */
uint32_t seals_of(const struct caller *caller);

/* True for a file in huge pages: it can be read and mapped, and write(2) fails. */
bool is_huge(const struct caller *caller);

/* True for a file that opens for writing only with O_APPEND. */
bool is_for_appending_only(const struct caller *caller);

#endif
