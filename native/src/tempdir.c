#include "tempdir.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_ours(int folder, const char *path)
{
	const char *name = strrchr(path, '/');
	struct stat status;

	if (path[0] != '/' || !name || strncmp(name + 1, TEMPDIR_PREFIX, strlen(TEMPDIR_PREFIX)) != 0)
		return false;
	return fstat(folder, &status) == 0 && status.st_uid == geteuid() && (status.st_mode & 07777) == 0700;
}

bool tempdir_remove(const char *path)
{
	struct dirent *entry;
	bool removed = false;
	DIR *stream;
	int folder;

	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return false;
	if (!is_ours(folder, path)) {
		close(folder);
		return false;
	}
	stream = fdopendir(folder);
	if (!stream) {
		close(folder);
		return false;
	}
	while ((entry = readdir(stream)) != NULL) {
		struct stat status;

		if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
			unlinkat(folder, entry->d_name, 0);
	}
	/* Fails, as it should, where something else is left in it. */
	removed = rmdir(path) == 0;
	closedir(stream);
	return removed;
}
