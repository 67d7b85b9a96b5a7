#include "find-plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive-plan.h"
#include "escape.h"
#include "message.h"
#include "open-regular.h"

#define WHAT_IT_TAKES "give the image directory that fdgraft rewrite wrote, its " PLAN_NAME ", or an archive that it wrote"
/* A header of a tar. */
#define BEGIN_SIZE 512

static enum plan_found find_in_directory(struct plan *plan, int directory, const char *shown)
{
	char shown_path[SHOWN_MAX + sizeof("/" PLAN_NAME)];
	enum plan_found found;

	snprintf(shown_path, sizeof(shown_path), "%s/" PLAN_NAME, shown);
	found = plan_open_in(plan, directory, shown_path);
	if (found == PLAN_MISSING)
		message("%s: no such file; " WHAT_IT_TAKES, shown_path);
	return found;
}

/* The directory that holds the file at path. */
static int open_parent(const char *path)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length;

	if (!slash)
		return open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	length = slash == path ? 1 : (size_t)(slash - path);
	if (length >= sizeof(parent)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(parent, path, length);
	parent[length] = '\0';
	return open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static enum plan_found find_in_archive(struct plan *plan, struct images *images, int archive, enum packing packing,
				       const char *shown)
{
	enum plan_found found = archive_read(plan, images, archive, packing, shown);

	return found == PLAN_FOUND ? plan_parse(plan) : found;
}

static enum plan_found find_in_file(struct plan *plan, struct images *images, int fd, const char *path, const char *shown)
{
	unsigned char begin[BEGIN_SIZE];
	ssize_t got = pread(fd, begin, sizeof(begin), 0);
	enum packing packing = got < 0 ? NO_ARCHIVE : packing_of(begin, (size_t)got);
	enum plan_found found;

	if (plan_keep_shown_path(plan, shown))
		return PLAN_SYSTEM;
	if (packing != NO_ARCHIVE)
		return find_in_archive(plan, images, fd, packing, shown);
	found = plan_read(plan, fd);
	if (found != PLAN_FOUND)
		return found;
	images->directory = open_parent(path);
	if (images->directory >= 0)
		return PLAN_FOUND;
	message("cannot open the directory of %s: %s", shown, cause_of(errno));
	return PLAN_SYSTEM;
}

enum plan_found plan_find(struct plan *plan, const char *path, struct images *images)
{
	enum plan_found found;
	struct shown shown;
	struct stat status;
	int fd;

	*plan = (struct plan){0};
	*images = NO_IMAGES;
	show_raw(&shown, path);
	fd = open_regular(AT_FDCWD, path, 0);
	if (fd < 0 && errno == ENOENT && access("/proc/self/fd", F_OK)) {
		message("cannot open the plan %s: /proc is not mounted here; mount it", shown.text);
		return PLAN_SYSTEM;
	}
	if (fd < 0) {
		found = errno == ENOENT || errno == ENOTDIR ? PLAN_UNUSABLE : PLAN_SYSTEM;
		message("cannot open the plan %s: %s; " WHAT_IT_TAKES, shown.text, cause_of(errno));
		return found;
	}
	if (fstat(fd, &status)) {
		message("cannot stat the plan %s: %s", shown.text, cause_of(errno));
		close(fd);
		return PLAN_SYSTEM;
	}
	if (S_ISDIR(status.st_mode)) {
		images->directory = fd;
		found = find_in_directory(plan, fd, shown.text);
	} else {
		found = find_in_file(plan, images, fd, path, shown.text);
		close(fd);
	}
	if (found != PLAN_FOUND) {
		plan_free(plan);
		images_close(images);
	}
	return found;
}
