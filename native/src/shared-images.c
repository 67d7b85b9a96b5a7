#include "shared-images.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "escape.h"
#include "list-dir.h"
#include "message.h"

/* Seconds between the clocks of two hosts that write to one file system. */
#define CLOCKS_APART 1

static int cannot_list(int error)
{
	message("cannot list the image directory: %s", cause_of(error));
	return -1;
}

static DIR *list_images(int directory)
{
	int own = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);

	if (stream)
		return stream;
	(void)cannot_list(errno);
	if (own >= 0)
		close(own);
	return NULL;
}

bool is_shared(int directory, const char *name, struct stat *status)
{
	if (fstatat(directory, name, status, AT_SYMLINK_NOFOLLOW))
		return false;
	if (S_ISLNK(status->st_mode))
		return fstatat(directory, name, status, 0) == 0 && S_ISREG(status->st_mode);
	return S_ISREG(status->st_mode) && status->st_nlink > 1;
}

/* The time of the last write may be set, and be that of another host. That of the last change is set by another link, too. */
static bool is_younger(const struct stat *status, time_t time)
{
	return status->st_mtime > time && status->st_ctime > time;
}

int find_linked_pages(int directory, char name[NAME_MAX + 1])
{
	DIR *stream = list_images(directory);
	struct dirent *entry;
	struct stat status;
	int error;

	name[0] = '\0';
	if (!stream)
		return -1;
	while ((entry = next_entry(stream)) != NULL) {
		if (fnmatch("pages-*.img", entry->d_name, 0) != 0 || !is_shared(directory, entry->d_name, &status))
			continue;
		snprintf(name, NAME_MAX + 1, "%s", entry->d_name);
		break;
	}
	error = entry ? 0 : errno;
	closedir(stream);
	return error ? cannot_list(error) : 0;
}

int shared_images_check(const struct plan *plan, int directory)
{
	struct stat written, status;
	struct dirent *entry;
	struct shown name;
	DIR *stream;
	int error;

	/* The plan is what a rewrite writes last. Its mtime is that of the dump where it comes from an archive. */
	if (fstatat(directory, PLAN_NAME, &written, 0))
		return 0;
	stream = list_images(directory);
	if (!stream)
		return -1;
	while ((entry = next_entry(stream)) != NULL) {
		if (fnmatch("*.img", entry->d_name, 0) != 0 || !is_shared(directory, entry->d_name, &status))
			continue;
		/* Two file systems may have two clocks. */
		if (status.st_dev != written.st_dev || !is_younger(&status, written.st_ctime + CLOCKS_APART))
			continue;
		problem("image %s of %s is a link, and its file was written after the rewrite, by a dump into the other directory for example: it is of another checkpoint now; rewrite that dump, and dump into a new directory each time or rewrite with --link copy",
			show_raw(&name, entry->d_name), plan->shown_path);
	}
	error = errno;
	closedir(stream);
	return error ? cannot_list(error) : 0;
}
