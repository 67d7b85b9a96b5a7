/*
 * Carries bytes between the window that a user sits at and a terminal whose master is here. Nothing of it blocks. What one
 * side does not take yet stays with the other side, but for a fixed number of bytes.
 */
#ifndef FDGRAFT_RELAY_H
#define FDGRAFT_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "window.h"

#define RELAY_BYTES 65536

/* Bytes on their way. */
struct carried {
	size_t begin, end;
	char bytes[RELAY_BYTES];
};

struct relay {
	struct window *window; /* its fd is -1 where there is none: the master is only watched then */
	int master; /* -1: closed, or somebody else's */
	bool is_done; /* nothing more comes out of it */
	bool ends; /* set by relay_end() */
	size_t rest; /* how many bytes may still come then */
	bool window_is_gone;
	bool takes_interrupts; /* see key_signal */
	int key_signal; /* SIGINT or SIGQUIT: its key was typed when no session had the terminal yet */
	struct carried typed, shown;
};

/* The events to wait for. */
void relay_want(const struct relay *relay, struct pollfd *window, struct pollfd *master);

/* Carries what can be carried, after a poll. */
void relay_carry(struct relay *relay, const struct pollfd *window, const struct pollfd *master);

/* The bytes that are there are still shown, and no key is taken any more. */
void relay_end(struct relay *relay);

/* True when the last byte is shown. */
bool relay_is_over(const struct relay *relay);

/* Gives the terminal the size of the window. `redraw`: programs are told even if it has that size. */
void relay_resize(const struct relay *relay, bool redraw);

/* Closes the master: the kernel sends SIGHUP to the session that has the terminal. */
void relay_hang_up(struct relay *relay);

#endif
