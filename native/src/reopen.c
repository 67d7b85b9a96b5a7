#include "reopen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* What F_SETFL can set; the others are fixed when a file is opened. */
#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)

/* Opening one of these can wait for a peer or a carrier, so it is opened with O_NONBLOCK. */
static bool may_wait(const struct caller *caller)
{
	return caller_is_pipe(caller) || caller->kind == CALLER_DEVICE;
}

static int place(int fd, const struct caller *caller, const struct graft *graft)
{
	off_t offset;

	switch (graft->position) {
	case FDGRAFT__PLAN_POSITION__POSITION_SAVED:
		return lseek(fd, (off_t)graft->saved_offset, SEEK_SET) < 0 ? -1 : 0;
	case FDGRAFT__PLAN_POSITION__POSITION_END:
		if (graft->end_is_known)
			return lseek(fd, (off_t)graft->end, SEEK_SET) < 0 ? -1 : 0;
		return lseek(fd, 0, SEEK_END) < 0 ? -1 : 0;
	default:
		if (!caller->seekable)
			return 0;
		offset = lseek(caller->fd, 0, SEEK_CUR);
		return offset < 0 || lseek(fd, offset, SEEK_SET) < 0 ? -1 : 0;
	}
}

int entry_flags(const struct caller *caller, const struct graft *graft)
{
	return graft->has_offset == caller_is_pipe(caller) ? (int)graft->flags & ~O_DIRECT : (int)graft->flags;
}

int caller_decides(const struct caller *caller, const struct graft *graft)
{
	if (caller->kind != CALLER_FILE || graft->position != FDGRAFT__PLAN_POSITION__POSITION_CALLER)
		return 0;
	if (!graft->has_offset)
		return COUNTED_FLAGS & ~O_DIRECT;
	return (graft->flags & O_ACCMODE) == O_WRONLY ? caller->flags & O_APPEND : 0;
}

int reopened_flags(const struct caller *caller, const struct graft *graft)
{
	int kept = caller->flags & caller_decides(caller, graft) & O_APPEND;

	return (entry_flags(caller, graft) & (COUNTED_FLAGS | O_ASYNC)) | kept;
}

bool graft_appends(const struct caller *caller, const struct graft *graft)
{
	return (graft->reopen ? reopened_flags(caller, graft) : caller->flags) & O_APPEND;
}

int reopen(const struct caller *caller, const struct graft *graft)
{
	int wanted = reopened_flags(caller, graft);
	/* Only F_SETFL makes a file send signals. What has none to send leaves it out without an error. */
	int at_open = wanted & ~O_ASYNC;
	struct stat status;
	char path[64];
	int fd;

	if (may_wait(caller))
		at_open |= O_NONBLOCK;
	/* Only F_SETFL knows O_DIRECT of a pipe, its packet mode. */
	if (caller_is_pipe(caller))
		at_open &= ~O_DIRECT;
	if (snprintf(path, sizeof(path), "/proc/self/fd/%d", caller->fd) < 0)
		return -1;
	fd = open(path, ((int)graft->flags & O_ACCMODE) | at_open | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (fstat(fd, &status))
		goto failed;
	if (status.st_dev != caller->status.st_dev || status.st_ino != caller->status.st_ino) {
		errno = ESTALE;
		goto failed;
	}
	if (at_open != wanted && fcntl(fd, F_SETFL, wanted & SETTABLE_FLAGS))
		goto failed;
	if (place(fd, caller, graft))
		goto failed;
	return fd;
failed: {
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}
}
