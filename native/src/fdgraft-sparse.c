/*
 * fdgraft-sparse: finds the data of a sparse file (lseek(2) with SEEK_DATA), which Node.js cannot.
 *
 *   fdgraft-sparse map    prints the stretches of the file at descriptor 3 that have data: OFFSET and BYTES, a line each
 *   fdgraft-sparse copy   copies these stretches into the empty file at descriptor 4, and gives it the same size
 *
 * Holes that are shorter than HOLE_MIN count as data: a stretch costs more than they do.
 * Exit: 0 done, else errno of what failed (always below 128), with a line on stderr.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOURCE = 3, TARGET = 4 };

#define HOLE_MIN 65536
#define CHUNK_BYTES (1 << 18)

static int fail(const char *what)
{
	int reason = errno;

	if (fprintf(stderr, "fdgraft-sparse: %s: %s\n", what, strerror(reason)) < 0)
		return reason;
	return reason > 0 && reason < 128 ? reason : EIO;
}

/* Finds the first stretch from `from` on. Returns 1 and sets both ends, 0 if there is none, -1 with errno set. */
static int next_stretch(off_t from, off_t size, off_t *begin, off_t *end)
{
	off_t at = from < size ? lseek(SOURCE, from, SEEK_DATA) : size;

	if (at < 0 && errno == ENXIO)
		return 0;
	if (at < 0)
		return -1;
	if (at >= size)
		return 0;
	*begin = at;
	for (;;) {
		off_t hole = lseek(SOURCE, at, SEEK_HOLE);

		if (hole < 0)
			return -1;
		/* Only in a file that is being written to. Each round takes at least a byte. */
		if (hole <= at)
			hole = at + 1;
		*end = hole < size ? hole : size;
		if (*end == size)
			return 1;
		at = lseek(SOURCE, hole, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			return 1;
		if (at < 0)
			return -1;
		if (at >= size || at - hole >= HOLE_MIN)
			return 1;
	}
}

/* Copies by read and write, for file systems that cannot do better. Stops where the file ends by now. */
static int copy_by_hand(off_t begin, off_t end)
{
	static char part[CHUNK_BYTES];

	while (begin < end) {
		size_t wanted = end - begin < CHUNK_BYTES ? (size_t)(end - begin) : CHUNK_BYTES;
		ssize_t got = pread(SOURCE, part, wanted, begin);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			return 0;
		for (ssize_t done = 0; done < got;) {
			ssize_t written = pwrite(TARGET, part + done, (size_t)(got - done), begin + done);

			if (written < 0 && errno == EINTR)
				continue;
			if (written < 0)
				return -1;
			done += written;
		}
		begin += got;
	}
	return 0;
}

static bool is_unsupported(int reason)
{
	return reason == EXDEV || reason == EINVAL || reason == ENOSYS || reason == EOPNOTSUPP || reason == EPERM;
}

static int copy_stretch(off_t begin, off_t end)
{
	while (begin < end) {
		off_t from = begin;
		off_t to = begin;
		ssize_t got = copy_file_range(SOURCE, &from, TARGET, &to, (size_t)(end - begin), 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && is_unsupported(errno))
			return copy_by_hand(begin, end);
		if (got < 0)
			return -1;
		/* Some file systems say so of files that do have more. */
		if (got == 0)
			return copy_by_hand(begin, end);
		begin += got;
	}
	return 0;
}

static int print_stretch(off_t begin, off_t end)
{
	return printf("%" PRIdMAX " %" PRIdMAX "\n", (intmax_t)begin, (intmax_t)(end - begin)) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	bool copies = argc == 2 && strcmp(argv[1], "copy") == 0;
	struct stat status;
	off_t begin = 0;
	off_t end = 0;
	int found;

	if (!copies && !(argc == 2 && strcmp(argv[1], "map") == 0)) {
		errno = EINVAL;
		return fail("takes one word, map or copy");
	}
	if (fstat(SOURCE, &status))
		return fail("descriptor 3");
	if (!S_ISREG(status.st_mode)) {
		errno = EINVAL;
		return fail("descriptor 3 is no regular file");
	}
	while ((found = next_stretch(end, status.st_size, &begin, &end)) > 0)
		if (copies ? copy_stretch(begin, end) : print_stretch(begin, end))
			return fail(copies ? "copy" : "stdout");
	if (found < 0)
		return fail("lseek");
	if (copies && ftruncate(TARGET, status.st_size))
		return fail("ftruncate");
	if (fflush(stdout))
		return fail("stdout");
	return 0;
}
