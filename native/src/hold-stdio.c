#include "hold-stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

static unsigned held;

int hold_stdio(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest number that is free. Nothing can be read from it or written to it. */
		if (open("/", O_PATH | O_CLOEXEC) != fd) {
			message("cannot keep descriptor %d free: %s", fd, cause_of(errno));
			return -1;
		}
		held |= 1U << fd;
	}
	return 0;
}

bool stdio_is_held(int fd)
{
	return fd >= STDIN_FILENO && fd <= STDERR_FILENO && held & 1U << fd;
}
