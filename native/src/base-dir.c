#include "base-dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "escape.h"
#include "message.h"
#include "private-dir.h"

#define SYSTEM_PARENT "/run"
#define USER_PARENT_ENV "XDG_RUNTIME_DIR"
#define BASE_NAME "fdgraft"
/* Another start holds the lock while it makes a directory or removes old ones. */
#define LOCK_TRIES 1000
#define LOCK_PAUSE_NS 10000000L

void base_dirs_find(struct base_dirs *dirs)
{
	const char *parent = getenv(USER_PARENT_ENV);
	size_t length = parent ? strlen(parent) : 0;

	dirs->count = 0;
	if (geteuid() == 0)
		snprintf(dirs->paths[dirs->count++], BASE_PATH_MAX, SYSTEM_PARENT "/" BASE_NAME);
	if (length > 0 && parent[0] == '/' && length + sizeof("/" BASE_NAME) <= BASE_PATH_MAX)
		snprintf(dirs->paths[dirs->count++], BASE_PATH_MAX, "%.*s/" BASE_NAME, (int)length, parent);
}

/* NULL, or why others could put something else in the place of the directory inside. */
static const char *wrong_parent(int parent)
{
	struct stat status;

	if (fstat(parent, &status))
		return cause_of(errno);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return "it belongs to another user";
	if (status.st_mode & 022 && !(status.st_mode & S_ISVTX))
		return "other users can write to it";
	return NULL;
}

static const char *wrong_base(int base)
{
	struct stat status;

	if (fstat(base, &status))
		return cause_of(errno);
	if (status.st_uid != geteuid())
		return "it belongs to another user";
	if ((status.st_mode & 07777) != 0700)
		return "its mode is not 0700";
	return NULL;
}

/* The directory that path is in; its last name is BASE_NAME. */
static int open_parent(const char *path)
{
	char parent[BASE_PATH_MAX];
	size_t length = strlen(path) - sizeof(BASE_NAME);

	memcpy(parent, path, length);
	parent[length] = '\0';
	return open(length > 0 ? parent : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* -1 with *wrong. */
static int open_or_make(const char *path, bool make, const char **wrong)
{
	int parent = open_parent(path);
	bool made = false;
	int base;

	*wrong = NULL;
	if (parent < 0) {
		*wrong = cause_of(errno);
		return -1;
	}
	*wrong = wrong_parent(parent);
	if (!*wrong && make) {
		made = private_dir_make(parent, BASE_NAME) == 0;
		if (!made && errno != EEXIST)
			*wrong = cause_of(errno);
	}
	if (*wrong) {
		close(parent);
		return -1;
	}
	base = openat(parent, BASE_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* The parent may have given it bits of its own. */
	if (base < 0 || (made && fchmod(base, 0700)))
		*wrong = cause_of(errno);
	else
		*wrong = wrong_base(base);
	close(parent);
	if (!*wrong)
		return base;
	if (base >= 0)
		close(base);
	return -1;
}

int base_dir_open(const char *path)
{
	const char *wrong;

	return open_or_make(path, false, &wrong);
}

int base_dir_make(char path[BASE_PATH_MAX])
{
	const char *wrong[BASE_DIRS_MAX];
	struct shown shown[BASE_DIRS_MAX];
	struct base_dirs dirs;

	base_dirs_find(&dirs);
	for (size_t i = 0; i < dirs.count; i++) {
		int base = open_or_make(dirs.paths[i], true, &wrong[i]);

		if (base >= 0) {
			memcpy(path, dirs.paths[i], BASE_PATH_MAX);
			return base;
		}
	}
	if (dirs.count == 0)
		message("no directory for the socket: " USER_PARENT_ENV " is %s; set it to a directory that is yours alone, or run this as "
			"root, which a restore by CRIU needs in most cases",
			getenv(USER_PARENT_ENV) ? "not an absolute path" : "not set");
	else if (dirs.count == 1)
		message("%s: cannot be used for the socket: %s; make it a directory of this user with mode 0700%s",
			show_raw(&shown[0], dirs.paths[0]), wrong[0],
			geteuid() == 0 ? ", or set " USER_PARENT_ENV " to a directory that is yours alone" : "");
	else
		message("%s: cannot be used for the socket: %s; %s: %s; make one of them a directory of this user with mode 0700",
			show_raw(&shown[0], dirs.paths[0]), wrong[0], show_raw(&shown[1], dirs.paths[1]), wrong[1]);
	return -1;
}

int base_dir_lock(int base, const char *path)
{
	struct timespec pause = {.tv_nsec = LOCK_PAUSE_NS};
	struct shown shown;

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(base, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR) {
			message("%s: cannot lock the directory: %s", show_raw(&shown, path), cause_of(errno));
			return -1;
		}
		(void)nanosleep(&pause, NULL);
	}
	message("%s: another process has locked the directory for a long time; find it with fuser and end it", show_raw(&shown, path));
	return -1;
}

void base_dir_unlock(int base)
{
	/* Closing it does the same. */
	(void)flock(base, LOCK_UN);
}
