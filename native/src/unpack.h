/* The bytes of a tar archive, plain or through the program that unpacks it. */
#ifndef FDGRAFT_UNPACK_H
#define FDGRAFT_UNPACK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum packing { PACKED_NOT, PACKED_GZIP, PACKED_ZSTD, NO_ARCHIVE };

/* The kind of a file by its first bytes. */
enum packing packing_of(const unsigned char *begin, size_t size);

struct unpacked {
	const char *shown_path; /* for messages */
	const char *program; /* NULL: none is needed */
	int fd;
	pid_t child;
	struct sigaction on_child;
};

/* `archive`: open at its start; it stays the caller's. Returns an exit code; what is wrong is said. */
int unpack_start(struct unpacked *unpacked, int archive, enum packing packing, const char *shown_path);

/* Reads up to size bytes, fewer only at the end. -1 has said why. */
ssize_t unpack_read(struct unpacked *unpacked, void *bytes, size_t size);

/* Ends the program. `whole`: all was read, so it has to end by itself, with 0. Returns an exit code; what is wrong is said. */
int unpack_end(struct unpacked *unpacked, bool whole);

#endif
