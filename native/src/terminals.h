/* The caller's terminals, which CRIU gives the size and the settings of the dump. */
#ifndef FDGRAFT_TERMINALS_H
#define FDGRAFT_TERMINALS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "caller.h"
#include "plan.h"

struct terminal {
	uint32_t caller_fd;
	int fd; /* a dup; -1: none */
	struct winsize size; /* this and the next: before the restore */
	struct termios settings;
};

struct terminals {
	struct terminal *list;
	size_t count;
};

/* Notes how the terminals are that take the place of one. -1 has said why. */
int terminals_hold(struct terminals *terminals, const struct plan *plan, const struct callers *callers);

/* Gives each its size again, of which its foreground processes hear. One without a size keeps that of the dump. */
void terminals_resize(const struct terminals *terminals);

/* After a restore that failed: size and settings as they were. */
void terminals_reset(const struct terminals *terminals);

void terminals_free(struct terminals *terminals);

#endif
