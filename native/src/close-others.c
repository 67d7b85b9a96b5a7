#include "close-others.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "list-dir.h"
#include "message.h"

int close_all_but(stays_open *stays, const void *context)
{
	DIR *stream = opendir("/proc/self/fd");
	struct dirent *entry;
	int error;

	if (!stream) {
		message("cannot read /proc/self/fd: %s", cause_of(errno));
		return -1;
	}
	while ((entry = next_entry(stream)) != NULL) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(stream) && !stays(context, fd))
			close(fd);
	}
	error = errno;
	end_list(stream);
	if (error == 0)
		return 0;
	message("cannot read /proc/self/fd: %s", cause_of(error));
	errno = error;
	return -1;
}

struct kept {
	int lowest;
	const int *list;
	size_t count;
};

static bool is_kept(const void *context, int fd)
{
	const struct kept *kept = context;

	for (size_t i = 0; i < kept->count; i++)
		if (kept->list[i] == fd)
			return true;
	return fd < kept->lowest;
}

int close_others(int lowest, const int *kept, size_t count)
{
	return close_all_but(is_kept, &(struct kept){lowest, kept, count});
}
