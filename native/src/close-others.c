#include "close-others.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

static bool has(const int *list, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == fd)
			return true;
	return false;
}

int close_others(int lowest, const int *kept, size_t count)
{
	DIR *stream = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!stream) {
		message("cannot read /proc/self/fd: %s", strerror(errno));
		return -1;
	}
	while ((entry = readdir(stream)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd >= lowest && fd != dirfd(stream) && !has(kept, count, fd))
			close(fd);
	}
	closedir(stream);
	return 0;
}
