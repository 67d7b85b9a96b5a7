/* The members of a tar archive, one after the other: ustar, GNU and pax. */
#ifndef FDGRAFT_TAR_H
#define FDGRAFT_TAR_H

#include <stdbool.h>
#include <stdint.h>

#include "unpack.h"

#define TAR_BLOCK 512u
/* Linux has no longer paths; extended headers may hold more than a path. */
#define TAR_NAME_MAX 4096
#define TAR_EXTENDED_MAX (1u << 20)

struct tar {
	struct unpacked *stream;
	uint64_t offset; /* of the tar, without compression */
	uint64_t left; /* of the member's content */
	unsigned int padding;
};

struct tar_member {
	char name[TAR_NAME_MAX + 1]; /* without ./ in front */
	uint64_t header; /* where it begins */
	uint64_t size; /* of its content in the archive */
	bool is_file;
	bool is_sparse;
};

/* True for a header with the right checksum, of whatever format. */
bool tar_is_header(const unsigned char block[TAR_BLOCK]);

enum tar_found { TAR_MEMBER, TAR_END, TAR_CUT_OFF, TAR_DAMAGED, TAR_SYSTEM };

/*
 * Passes over what is left of the member before, and reads the headers of the next. TAR_CUT_OFF has said nothing, since the
 * program that unpacks may know why; TAR_DAMAGED and TAR_SYSTEM have said what is wrong.
 */
enum tar_found tar_next(struct tar *tar, struct tar_member *member);

/* Reads up to size bytes of the content; *got is 0 at its end. TAR_MEMBER, or what is wrong. */
enum tar_found tar_read(struct tar *tar, void *bytes, size_t size, size_t *got);

/* Reads what follows the last member to the end of the stream. TAR_END, or TAR_SYSTEM. */
enum tar_found tar_drain(struct tar *tar);

#endif
