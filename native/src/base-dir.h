/*
 * The directory of all starts of a user: /run/fdgraft for root, $XDG_RUNTIME_DIR/fdgraft for others, and for a root of a
 * user namespace that may not write to /run.
 */
#ifndef FDGRAFT_BASE_DIR_H
#define FDGRAFT_BASE_DIR_H

#include <limits.h>
#include <stddef.h>
#include <sys/types.h>

#define BASE_DIRS_MAX 2
/* Leaves room for what is inside. */
#define BASE_PATH_MAX (PATH_MAX - 512)

struct base_dirs {
	char paths[BASE_DIRS_MAX][BASE_PATH_MAX];
	size_t count;
};

/* The possible places of the directory, the first choice first. */
void base_dirs_find(struct base_dirs *dirs);

/* Opens the first of them that serves, made where it is missing, and puts its path into `path`. -1 has said why. */
int base_dir_make(char path[BASE_PATH_MAX]);

/* Opens one that is there and is this user's alone; -1 says nothing. */
int base_dir_open(const char *path);

/* Locks it against other starts, which hold the lock for moments. -1 has said why. */
int base_dir_lock(int base, const char *path);
void base_dir_unlock(int base);

#endif
