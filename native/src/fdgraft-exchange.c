/*
 * fdgraft-exchange: exchanges two files or directories in one step, renameat2(2) with RENAME_EXCHANGE, which Node.js
 * cannot call. Their names come on stdin, each ended by a NUL byte: arguments of Node.js cannot hold every name. The
 * first is looked up in the directory that is open at descriptor 3, the second in that at 4.
 * Exit: 0 done, else errno of what failed (always below 128), with a line on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads all of stdin; -1 with errno set where that fails or there is more than fits. */
static ssize_t read_all(char *buffer, size_t size)
{
	size_t length = 0;

	for (;;) {
		ssize_t got;

		if (length == size) {
			errno = ENAMETOOLONG;
			return -1;
		}
		got = read(STDIN_FILENO, buffer + length, size - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			return (ssize_t)length;
		length += (size_t)got;
	}
}

static int fail(const char *what)
{
	int reason = errno;

	if (fprintf(stderr, "fdgraft-exchange: %s: %s\n", what, strerror(reason)) < 0)
		return reason;
	return reason > 0 && reason < 128 ? reason : EINVAL;
}

enum { FIRST_DIRECTORY = 3, SECOND_DIRECTORY = 4 };

int main(int argc, char **argv)
{
	char paths[2 * PATH_MAX + 1];
	const char *second;
	ssize_t length;

	(void)argv;
	/* A terminal signals its whole group. The caller acts on that; it may have to put a directory back. */
	if (signal(SIGINT, SIG_IGN) == SIG_ERR || signal(SIGTERM, SIG_IGN) == SIG_ERR || signal(SIGHUP, SIG_IGN) == SIG_ERR)
		return fail("signal");
	if (argc != 1) {
		errno = EINVAL;
		return fail("takes no arguments, but two paths on stdin, each ended by a NUL byte");
	}
	length = read_all(paths, sizeof(paths));
	if (length < 0)
		return fail("stdin");
	second = memchr(paths, '\0', (size_t)length);
	if (!second || paths[length - 1] != '\0' || ++second >= paths + length ||
	    second + strlen(second) + 1 != paths + length) {
		errno = EINVAL;
		return fail("stdin has not two paths, each ended by a NUL byte");
	}
	/* By its number: musl before 1.2.6 has no renameat2(). */
	if (syscall(SYS_renameat2, FIRST_DIRECTORY, paths, SECOND_DIRECTORY, second, RENAME_EXCHANGE))
		return fail("renameat2");
	return 0;
}
