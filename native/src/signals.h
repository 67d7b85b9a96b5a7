/* Signals of a process that stays while COMMAND, its child, runs. */
#ifndef FDGRAFT_SIGNALS_H
#define FDGRAFT_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

/* As shells say that a signal ended a process. */
#define SIGNALLED 128

struct taken_signals {
	int fd; /* a signalfd */
	sigset_t mask; /* this and the next: what COMMAND gets back */
	struct sigaction on_child;
};

#define NO_SIGNALS ((struct taken_signals){.fd = -1})

/*
 * Takes SIGCHLD, those that ask a program for something, and `more`, which ends in 0. Signals that the caller ignores
 * stay ignored, as SIGHUP under nohup. -1 has said why.
 */
int signals_take(struct taken_signals *taken, const int *more);

/* For a child, before COMMAND. -1 has said why. */
int signals_give_back(const struct taken_signals *taken);

/* Ends this process by that signal: whoever started it sees which one it was. Returns an exit code where it does not. */
int signals_end_by(int number);

/* The exit code that passes on the status of a child. */
int exit_code_of(int status);

#endif
