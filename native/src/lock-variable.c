#include "lock-variable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "message.h"

static bool is_parent_of(int fd, int images)
{
	struct stat own, parent;

	return fstat(fd, &own) == 0 && fstatat(images, "..", &parent, 0) == 0 && own.st_dev == parent.st_dev &&
	       own.st_ino == parent.st_ino;
}

void lock_close_on_exec(const char *text, int images)
{
	char *end;
	long fd;

	if (!text || text[0] < '0' || text[0] > '9')
		return;
	fd = strtol(text, &end, 10);
	if (*end != '\0' || fd > INT_MAX || !is_parent_of((int)fd, images))
		return;
	if (fcntl((int)fd, F_SETFD, FD_CLOEXEC))
		warning("descriptor %ld stays open in what criu executes: %s", fd, cause_of(errno));
}
