/* The records of an image of CRIU: each a size and a message. */
#ifndef FDGRAFT_IMAGE_RECORDS_H
#define FDGRAFT_IMAGE_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images.h"

struct image {
	const char *name;
	uint32_t magic;
	const char *magic_name; /* as in "a pstree image" */
	bool first_only; /* CRIU reads one record, whatever follows */
};

/* Returns an exit code: anything but 0 ends the reading, and has been said. `offset`: of the record in the image. */
typedef int record_visitor(void *context, const unsigned char *record, size_t size, unsigned long long offset);

/*
 * Calls `visit` for each record of an image. An image that is missing has none: CRIU says what it thinks of
 * that. Returns an exit code; what is wrong is said.
 */
int image_records(const struct image *image, const struct images *images, record_visitor *visit, void *context);

/* Says what is wrong with an image at an offset. Returns the exit code for that. */
int image_damaged(const struct image *image, unsigned long long offset, const char *why);

#endif
