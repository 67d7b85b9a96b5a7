#include "tar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "message.h"

#define CHUNK ((size_t)64 << 10)
#define FETCH_AGAIN "; copy the archive again, or write it again with fdgraft rewrite"

/* Offsets and sizes of the fields of a header. */
enum {
	NAME = 0,
	NAME_SIZE = 100,
	SIZE = 124,
	NUMBER_SIZE = 12,
	CHECKSUM = 148,
	CHECKSUM_SIZE = 8,
	TYPE = 156,
	MAGIC = 257,
	PREFIX = 345,
	PREFIX_SIZE = 155,
	OLD_SPARSE_MORE = 482,
	NEXT_SPARSE_MORE = 504,
};

/* The values of extended headers, for the member that follows. */
struct extended {
	char *name;
	bool has_size;
	uint64_t size;
	bool is_sparse;
};

static enum tar_found damaged(const struct tar *tar, uint64_t offset, const char *why)
{
	message("%s: byte %llu of the tar: %s" FETCH_AGAIN, tar->stream->shown_path, (unsigned long long)offset, why);
	return TAR_DAMAGED;
}

static enum tar_found read_all(struct tar *tar, void *bytes, size_t size)
{
	ssize_t got = unpack_read(tar->stream, bytes, size);

	if (got < 0)
		return TAR_SYSTEM;
	tar->offset += (uint64_t)got;
	return (size_t)got == size ? TAR_MEMBER : TAR_CUT_OFF;
}

static enum tar_found skip(struct tar *tar, uint64_t bytes)
{
	static unsigned char chunk[CHUNK];

	while (bytes > 0) {
		size_t size = bytes < CHUNK ? (size_t)bytes : CHUNK;
		enum tar_found found = read_all(tar, chunk, size);

		if (found != TAR_MEMBER)
			return found;
		bytes -= size;
	}
	return TAR_MEMBER;
}

static void begin_content(struct tar *tar, uint64_t size)
{
	tar->left = size;
	tar->padding = (unsigned int)((TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK);
}

static enum tar_found end_content(struct tar *tar)
{
	enum tar_found found = skip(tar, tar->left);

	tar->left = 0;
	if (found == TAR_MEMBER)
		found = skip(tar, tar->padding);
	tar->padding = 0;
	return found;
}

static bool is_zero(const unsigned char *block)
{
	for (size_t i = 0; i < TAR_BLOCK; i++)
		if (block[i] != 0)
			return false;
	return true;
}

/* Octal digits with blanks around them, or GNU's binary form. */
static bool read_number(const unsigned char *field, size_t size, uint64_t *number)
{
	size_t i = 0;

	*number = 0;
	if (field[0] == 0x80) {
		for (i = 1; i < size; i++) {
			if (*number >> 55)
				return false;
			*number = *number << 8 | field[i];
		}
		return true;
	}
	while (i < size && field[i] == ' ')
		i++;
	while (i < size && field[i] >= '0' && field[i] <= '7') {
		if (*number >> 60)
			return false;
		*number = *number << 3 | (uint64_t)(field[i++] - '0');
	}
	while (i < size && (field[i] == ' ' || field[i] == '\0'))
		i++;
	return i == size && *number <= INT64_MAX;
}

bool tar_is_header(const unsigned char block[TAR_BLOCK])
{
	uint64_t expected;
	uint64_t sum = 0;

	if (!read_number(block + CHECKSUM, CHECKSUM_SIZE, &expected))
		return false;
	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_SIZE ? ' ' : block[i];
	return sum == expected;
}

/* The whole content of an extended header, with a zero byte behind it. NULL: *found says why. */
static char *read_extended(struct tar *tar, uint64_t size, enum tar_found *found)
{
	uint64_t begin = tar->offset;
	char *body;

	if (size > TAR_EXTENDED_MAX) {
		*found = damaged(tar, begin, "the extended header is past the limit of 1 MiB");
		return NULL;
	}
	body = malloc((size_t)size + 1);
	if (!body) {
		message("out of memory");
		*found = TAR_SYSTEM;
		return NULL;
	}
	begin_content(tar, size);
	*found = read_all(tar, body, (size_t)size);
	tar->left = 0;
	if (*found == TAR_MEMBER)
		*found = end_content(tar);
	if (*found != TAR_MEMBER) {
		free(body);
		return NULL;
	}
	body[size] = '\0';
	return body;
}

static bool keep_name(struct extended *extended, const char *name, size_t length)
{
	free(extended->name);
	extended->name = strndup(name, length);
	return extended->name != NULL;
}

/* One record of pax: LENGTH KEY=VALUE and a line end. Returns its length, or 0 where it is none. */
static size_t read_record(struct extended *extended, const char *record, size_t left)
{
	size_t length = 0;
	size_t at = 0;
	const char *key, *value, *end;

	while (at < left && record[at] >= '0' && record[at] <= '9' && length <= TAR_EXTENDED_MAX)
		length = 10 * length + (size_t)(record[at++] - '0');
	if (at == 0 || at >= left || record[at] != ' ' || length > left || length <= at + 2 || record[length - 1] != '\n')
		return 0;
	key = record + at + 1;
	end = record + length - 1;
	value = memchr(key, '=', (size_t)(end - key));
	if (!value)
		return 0;
	if (strncmp(key, "GNU.sparse.", strlen("GNU.sparse.")) == 0)
		extended->is_sparse = true;
	value++;
	/* A sparse file has its own name there, and a made one in path. */
	if (strncmp(key, "GNU.sparse.name=", strlen("GNU.sparse.name=")) == 0 ||
	    (strncmp(key, "path=", strlen("path=")) == 0 && !(extended->is_sparse && extended->name)))
		return keep_name(extended, value, (size_t)(end - value)) ? length : 0;
	if (strncmp(key, "size=", strlen("size=")) == 0) {
		extended->size = 0;
		extended->has_size = value < end;
		for (; value < end; value++) {
			if (*value < '0' || *value > '9' || extended->size > INT64_MAX / 10 - 1)
				return 0;
			extended->size = 10 * extended->size + (uint64_t)(*value - '0');
		}
	}
	return length;
}

static enum tar_found read_pax(struct tar *tar, struct extended *extended, uint64_t size)
{
	uint64_t begin = tar->offset;
	enum tar_found found;
	char *body = read_extended(tar, size, &found);

	if (!body)
		return found;
	for (size_t at = 0; at < size;) {
		size_t length = read_record(extended, body + at, (size_t)size - at);

		if (length == 0) {
			found = damaged(tar, begin, "an extended header that is no list of records");
			break;
		}
		at += length;
	}
	free(body);
	return found;
}

static enum tar_found read_long_name(struct tar *tar, struct extended *extended, uint64_t size)
{
	enum tar_found found;
	char *body = read_extended(tar, size, &found);

	if (!body)
		return found;
	if (!keep_name(extended, body, strlen(body))) {
		message("out of memory");
		found = TAR_SYSTEM;
	}
	free(body);
	return found;
}

/* Of GNU's older form of sparse files, whose map goes on behind the header. */
static enum tar_found skip_old_sparse(struct tar *tar, const unsigned char *header)
{
	unsigned char block[TAR_BLOCK];
	bool more = header[OLD_SPARSE_MORE] != 0;

	while (more) {
		enum tar_found found = read_all(tar, block, TAR_BLOCK);

		if (found != TAR_MEMBER)
			return found;
		more = block[NEXT_SPARSE_MORE] != 0;
	}
	return TAR_MEMBER;
}

/* GNU's headers end their magic number with a blank, and have no prefix. */
static void name_of_header(char *name, const unsigned char *block)
{
	const char *prefix = (const char *)block + PREFIX;
	int prefix_length = memcmp(block + MAGIC, "ustar", 6) == 0 ? (int)strnlen(prefix, PREFIX_SIZE) : 0;

	snprintf(name, TAR_NAME_MAX + 1, "%.*s%s%.*s", prefix_length, prefix, prefix_length > 0 ? "/" : "",
		 (int)strnlen((const char *)block + NAME, NAME_SIZE), (const char *)block + NAME);
}

static enum tar_found set_name(const struct tar *tar, struct tar_member *member, const unsigned char *block,
			       const struct extended *extended)
{
	const char *name = extended->name;
	char own[TAR_NAME_MAX + 1];

	if (!name) {
		name_of_header(own, block);
		name = own;
	}
	for (;;) {
		if (name[0] == '/')
			name++;
		else if (name[0] == '.' && name[1] == '/')
			name += 2;
		else
			break;
	}
	if (strlen(name) > TAR_NAME_MAX)
		return damaged(tar, member->header, "the name of a member is past the limit of 4096 bytes");
	snprintf(member->name, sizeof(member->name), "%s", name);
	return TAR_MEMBER;
}

static enum tar_found finish_member(struct tar *tar, struct tar_member *member, const unsigned char *block,
				    const struct extended *extended, uint64_t size)
{
	unsigned char type = block[TYPE];
	enum tar_found found = set_name(tar, member, block, extended);

	if (found != TAR_MEMBER)
		return found;
	member->is_file = type == '0' || type == '\0' || type == '7' || type == 'S';
	member->is_sparse = type == 'S' || extended->is_sparse;
	member->size = extended->has_size ? extended->size : size;
	if (!member->is_file && member->size != 0)
		return damaged(tar, member->header, "content in a member that is no file");
	if (type == 'S')
		found = skip_old_sparse(tar, block);
	begin_content(tar, member->size);
	return found;
}

/* One header, and what extends it. TAR_MEMBER with *done false: more headers follow. */
static enum tar_found read_header(struct tar *tar, struct tar_member *member, struct extended *extended, bool *done)
{
	unsigned char block[TAR_BLOCK];
	uint64_t begin = tar->offset;
	uint64_t size;
	enum tar_found found = read_all(tar, block, TAR_BLOCK);

	*done = false;
	if (found != TAR_MEMBER)
		return found;
	if (is_zero(block))
		return TAR_END;
	if (!tar_is_header(block))
		return damaged(tar, begin, "not the header of a member");
	if (!read_number(block + SIZE, NUMBER_SIZE, &size))
		return damaged(tar, begin, "the size of a member is no number");
	switch (block[TYPE]) {
	case 'x':
	case 'X':
		return read_pax(tar, extended, size);
	case 'L':
		return read_long_name(tar, extended, size);
	case 'g':
	case 'K':
		begin_content(tar, size);
		return size > TAR_EXTENDED_MAX ? damaged(tar, begin, "the extended header is past the limit of 1 MiB") : end_content(tar);
	case 'V':
		/* The label of a volume. */
		return size > 0 ? damaged(tar, begin, "content in a member that is no file") : TAR_MEMBER;
	default:
		*done = true;
		member->header = begin;
		return finish_member(tar, member, block, extended, size);
	}
}

enum tar_found tar_next(struct tar *tar, struct tar_member *member)
{
	enum tar_found found = end_content(tar);
	struct extended extended = {0};
	bool done = false;

	while (found == TAR_MEMBER && !done)
		found = read_header(tar, member, &extended, &done);
	free(extended.name);
	return found;
}

enum tar_found tar_read(struct tar *tar, void *bytes, size_t size, size_t *got)
{
	enum tar_found found;

	*got = tar->left < size ? (size_t)tar->left : size;
	if (*got == 0)
		return TAR_MEMBER;
	found = read_all(tar, bytes, *got);
	tar->left -= *got;
	return found;
}

enum tar_found tar_drain(struct tar *tar)
{
	enum tar_found found;

	do
		found = skip(tar, CHUNK);
	while (found == TAR_MEMBER);
	return found == TAR_CUT_OFF ? TAR_END : found;
}
