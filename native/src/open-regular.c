#include "open-regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int open_regular(int directory, const char *name, int no_follow)
{
	int named = openat(directory, name, O_PATH | O_CLOEXEC | no_follow);
	char path[sizeof("/proc/self/fd/-2147483648")];
	struct stat status;
	int error;
	int fd;

	if (named < 0)
		return -1;
	if (fstat(named, &status)) {
		fd = -1;
	} else if (S_ISLNK(status.st_mode)) {
		errno = ELOOP;
		fd = -1;
	} else if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
		return named;
	} else {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", named);
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	}
	error = errno;
	close(named);
	errno = error;
	return fd;
}
