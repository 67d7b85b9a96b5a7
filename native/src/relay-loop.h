/* The process that shows a terminal, until the program there or COMMAND is done. */
#ifndef FDGRAFT_RELAY_LOOP_H
#define FDGRAFT_RELAY_LOOP_H

#include "offer.h"
#include "relay.h"
#include "signals.h"

#define NO_PROCESS ((pid_t)-1)

struct showing {
	struct relay relay;
	struct window window;
	struct offer offer;
	struct taken_signals signals;
	const char *terminal; /* its name */
	pid_t child; /* COMMAND; NO_PROCESS: none, or gone */
	int status; /* what to exit with when the child is gone */
	pid_t session; /* of COMMAND; NO_PROCESS: that of this process, so signals of the window reach it */
	bool session_is_over; /* the number of its leader may be another process's by now */
	bool has_leader; /* the leader of the session is a restored task: it ends all */
	bool is_given_away; /* the master, by the offer */
	int leader; /* its pidfd; -1: not known */
	bool is_told; /* to end, by a signal that COMMAND got too */
	int ended_by; /* a signal that came when COMMAND was gone */
};

/* Takes the signals that show_terminal() waits for. -1 has said why. */
int take_window_signals(struct taken_signals *signals);

/* Returns an exit code, that of COMMAND. */
int show_terminal(struct showing *showing);

#endif
