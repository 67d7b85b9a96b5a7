#include "pages-guard.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "escape.h"
#include "message.h"
#include "redirect.h"
#include "shared-images.h"

#define ASKED "auto-dedup is on, by RPC or by a configuration file"

/* The image directory. */
static struct stat images;

/* True if somebody else has these pages, too, which it has said. */
static bool refuse(int directory, const char *name)
{
	struct shown shown;
	struct stat status;

	if (fstat(directory, &status) == 0 && (status.st_dev != images.st_dev || status.st_ino != images.st_ino)) {
		message(ASKED ", and %s is of the previous dump, to which parent leads: restoring would punch holes into its pages; switch auto-dedup off",
			show_raw(&shown, name));
		return true;
	}
	if (!is_shared(directory, name, &status))
		return false;
	message(ASKED ", and %s is a link: restoring would punch holes into the pages of the source; switch auto-dedup off, or rewrite with --link copy",
		show_raw(&shown, name));
	return true;
}

/* In CRIU's place. It opens pages for writing with auto-dedup alone. */
static int guarded_openat(int directory, const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) {
		va_list rest;

		va_start(rest, flags);
		mode = va_arg(rest, mode_t);
		va_end(rest);
	}
	if ((flags & O_ACCMODE) != O_RDONLY && fnmatch("pages-*.img", path, 0) == 0 && refuse(directory, path)) {
		errno = EPERM;
		return -1;
	}
	return openat(directory, path, flags, mode);
}

int pages_guard_start(int directory)
{
	if (fstat(directory, &images)) {
		message("cannot look at the image directory: %s", cause_of(errno));
		return -1;
	}
	/* CRIU calls the one or the other, by how it was built. */
	(void)redirect_start("openat", (void (*)(void))guarded_openat);
	(void)redirect_start("openat64", (void (*)(void))guarded_openat);
	return 0;
}
