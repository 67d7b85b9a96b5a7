/*
 * --pty=SOCKET: the master of a terminal for the first that connects, in the message of runc's console sockets: its data
 * is the name of the terminal, and one descriptor comes with it. The receiver may answer with a byte, or close.
 */
#ifndef FDGRAFT_OFFER_H
#define FDGRAFT_OFFER_H

#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "plan.h"

/* Of that message. */
#define TERMINAL_NAME_MAX 4096

struct offer {
	int dir; /* this and the next two: -1 where it is not open */
	int listener;
	int connection; /* the message is on its way */
	const char *name; /* of the socket, in dir */
	struct stat made;
};

#define NO_OFFER ((struct offer){.dir = -1, .listener = -1, .connection = -1})

/* Opens the directory, in which the socket must not exist. Returns an exit code; what is wrong is said. */
int offer_prepare(struct offer *offer, const struct plan *plan, const char *path);

/* Listens, as this process. -1 has said why. */
int offer_open(struct offer *offer, const struct plan *plan);

/* The events to wait for; a negative number where there is none. */
struct pollfd offer_want(const struct offer *offer);

/* After a poll. True when somebody has the master. */
bool offer_answer(struct offer *offer, int master, const char *terminal);

/* Removes the socket. */
void offer_close(struct offer *offer);

/* The directory of a path, opened, and where in it the last name begins. -1 with errno. */
int open_dir_of(const char *path, const char **name);

#endif
