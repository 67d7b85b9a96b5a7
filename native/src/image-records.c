#include "image-records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exit-codes.h"
#include "holes.h"
#include "message.h"

#define IMG_COMMON 0x54564319u
/* A task with a million threads. */
#define RECORD_MAX (8u << 20)
#define WRITE_AGAIN "write the image directory again with fdgraft rewrite"

int image_damaged(const struct image *image, unsigned long long offset, const char *why)
{
	message("%s: byte %llu: %s; " WRITE_AGAIN, image->name, offset, why);
	return EXIT_UNUSABLE;
}

/* 1: a number; 0: the end of the image; -1: cut short or unreadable. */
static int read_u32(FILE *stream, uint32_t *number)
{
	unsigned char bytes[4];
	size_t got = fread(bytes, 1, sizeof(bytes), stream);

	if (got == 0 && !ferror(stream))
		return 0;
	if (got != sizeof(bytes))
		return -1;
	*number = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
	return 1;
}

static int read_record(const struct image *image, FILE *stream, uint32_t size, unsigned long long offset, record_visitor *visit,
		       void *context)
{
	unsigned char *bytes;
	int code;

	if (size > RECORD_MAX)
		return image_damaged(image, offset, "the size of the record is past the limit of 8 MiB");
	bytes = malloc(size + 1);
	if (!bytes) {
		message("out of memory");
		return EXIT_SYSTEM;
	}
	if (fread(bytes, 1, size, stream) == size)
		code = visit(context, bytes, size, offset);
	else
		code = image_damaged(image, offset, "the record is cut short");
	free(bytes);
	return code;
}

static int read_image(const struct image *image, FILE *stream, unsigned long long end, record_visitor *visit, void *context)
{
	unsigned long long offset = 4;
	uint32_t number;
	int more = read_u32(stream, &number);

	if (more == 1 && number == IMG_COMMON) {
		offset += 4;
		more = read_u32(stream, &number);
	}
	if (more != 1 || number != image->magic) {
		char why[64];

		snprintf(why, sizeof(why), "not the magic number of %s image", image->magic_name);
		return image_damaged(image, offset - 4, why);
	}
	while ((more = read_u32(stream, &number)) == 1) {
		int code = read_record(image, stream, number, offset, visit, context);

		if (code || image->first_only)
			return code;
		offset += 4 + (unsigned long long)number;
		if (offset > end)
			return image_damaged(image, end, "it grew while it was read");
	}
	return more == 0 ? 0 : image_damaged(image, offset, "the size of a record is cut short");
}

int image_records(const struct image *image, const struct images *images, record_visitor *visit, void *context)
{
	struct stat status;
	FILE *stream;
	int code;
	int fd = images_open(images, image->name);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode) || !(stream = fdopen(fd, "r"))) {
		message("%s: cannot read: %s; " WRITE_AGAIN, image->name, fd < 0 ? cause_of(errno) : "not a regular file");
		if (fd >= 0)
			close(fd);
		return EXIT_UNUSABLE;
	}
	if (is_nearly_all_holes(&status))
		code = image_damaged(image, 0, "nearly all of it is holes, which looks like a trap");
	else
		code = read_image(image, stream, (unsigned long long)status.st_size, visit, context);
	fclose(stream);
	return code;
}
