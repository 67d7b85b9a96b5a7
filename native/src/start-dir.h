/*
 * The directory of one start, with a random name, mode 0700:
 *
 *   BASE/RANDOM/socket     where the caller fds are fetched
 *   BASE/RANDOM/plugins/   links to the plugins, where CRIU needs more than ours
 *   BASE/SHA256            with --serve: a link to RANDOM, by the digest of the plan
 *
 * Who uses it holds a lock on the directory (flock) for as long. One without is left over: the next start removes it.
 */
#ifndef FDGRAFT_START_DIR_H
#define FDGRAFT_START_DIR_H

#include <stdbool.h>

#include "base-dir.h"
#include "sha256.h"

#define START_NAME_LENGTH 32
#define START_NAME_MAX (START_NAME_LENGTH + 1)
#define SOCKET_NAME "socket"
#define PLUGINS_NAME "plugins"

struct start_dir {
	int base; /* this and the next: -1 where it is not open */
	int fd; /* has the lock */
	char name[START_NAME_MAX];
	char path[PATH_MAX];
	char registered[SHA256_HEX + 1]; /* "": not */
	bool has_plugins; /* set by who makes them */
};

#define NO_START_DIR ((struct start_dir){.base = -1, .fd = -1})

/*
 * Makes one, after what earlier starts left is removed. `register_as`: the digest in hexadecimal, or NULL. Returns an exit
 * code; what is wrong is said, such as that another process serves that digest.
 */
int start_dir_make(struct start_dir *dir, const char *register_as);

/* The start that serves a digest: its directory, opened, or -1, which says nothing. */
int start_dir_of_digest(int base, const char *digest);

/* A socket inside, bound but not listening. -1 has said why. */
int start_dir_bind(const struct start_dir *dir);

/* Removes the socket and what is registered: nobody finds it any more. */
void start_dir_hide(struct start_dir *dir);

/* Removes all of it, and gives up the lock. */
void start_dir_remove(struct start_dir *dir);

/* Gives up the lock and leaves all to others who have the directory open. */
void start_dir_leave(struct start_dir *dir);

bool is_start_name(const char *name);

#endif
