/* Warnings of caller fds whose other end is closed, where a restored task writes, or held by the task itself. */
#ifndef FDGRAFT_PEER_CHECK_H
#define FDGRAFT_PEER_CHECK_H

#include "caller.h"

/* After choose(). */
void peers_check(const struct plan *plan, const struct callers *callers);

#endif
