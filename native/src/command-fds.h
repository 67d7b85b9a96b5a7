/* Which of the caller's descriptors COMMAND keeps. */
#ifndef FDGRAFT_COMMAND_FDS_H
#define FDGRAFT_COMMAND_FDS_H

#include "caller.h"

/* Closes those above 2 that the plan uses, but for those that an --inherit-fd of COMMAND names. */
void command_fds_close(char *const *command, const struct plan *plan, const struct callers *callers);

#endif
