#include "open-image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "open-regular.h"

int open_image(int *fd, uint64_t *size, const struct plan *plan, int directory, const char *name)
{
	struct shown shown;
	struct stat status;

	/* A link in place of an image leads to another image: refused rather than followed. */
	*fd = open_regular(directory, name, O_NOFOLLOW);
	if (*fd < 0 && errno == ELOOP) {
		problem("image %s of %s: it is a symbolic link, and only a regular file will do; write the directory again with fdgraft rewrite, and not with --link symlink",
			show_raw(&shown, name), plan->shown_path);
		return 0;
	}
	if (*fd < 0) {
		problem("image %s of %s: %s; the plan and the images of one fdgraft rewrite belong together",
			show_raw(&shown, name), plan->shown_path, cause_of(errno));
		return 0;
	}
	if (fstat(*fd, &status)) {
		message("image %s: cannot stat: %s", show_raw(&shown, name), cause_of(errno));
		close(*fd);
		return -1;
	}
	if (!S_ISREG(status.st_mode)) {
		problem("image %s of %s: not a regular file", show_raw(&shown, name), plan->shown_path);
		close(*fd);
		*fd = -1;
		return 0;
	}
	*size = (uint64_t)status.st_size;
	return 0;
}
