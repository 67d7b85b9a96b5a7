#include "list-dir.h"

#include <errno.h>

struct dirent *next_entry(DIR *stream)
{
	errno = 0;
	return readdir(stream);
}

void end_list(DIR *stream)
{
	int error = errno;

	closedir(stream);
	errno = error;
}
