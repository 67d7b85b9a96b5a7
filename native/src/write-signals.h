/* Signals that would end this process at a write that fails. */
#ifndef FDGRAFT_WRITE_SIGNALS_H
#define FDGRAFT_WRITE_SIGNALS_H

#include <signal.h>

/* The actions of the caller on SIGPIPE and SIGXFSZ. */
struct write_signals {
	struct sigaction before[2];
};

/* From here on a pipe without a reader and a limit of file sizes are errors of the write. -1 has said why. */
int write_signals_ignore(struct write_signals *signals);

/* -1 has said why. */
int write_signals_restore(const struct write_signals *signals);

#endif
