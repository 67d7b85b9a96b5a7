#include "wire-edit.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 512
#define DEPTH_MAX 6
#define LENGTH_MAX 4096
/* Of all messages here. */
#define NUMBER_MAX 24

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);

void bytes_add(struct bytes *bytes, const void *more, size_t size)
{
	if (bytes->full || size > bytes->room - bytes->size) {
		bytes->full = true;
		return;
	}
	if (size > 0)
		memcpy(bytes->at + bytes->size, more, size);
	bytes->size += size;
}

void bytes_add_varint(struct bytes *bytes, uint64_t value)
{
	uint8_t digits[10];
	size_t count = 0;

	do {
		digits[count] = (uint8_t)(value & 0x7f);
		value >>= 7;
		if (value)
			digits[count] |= 0x80;
		count++;
	} while (value);
	bytes_add(bytes, digits, count);
}

uint64_t random_next(struct random *random)
{
	/* splitmix64 */
	uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);

	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

size_t random_below(struct random *random, size_t limit)
{
	return limit == 0 ? 0 : (size_t)(random_next(random) % limit);
}

uint64_t random_number(struct random *random)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 31, 32, 64, 127, 128, 255, 256, 4095, 4096, 65535, 65536, 1048575, 1048576, INT32_MAX,
		(uint64_t)INT32_MAX + 1, UINT32_MAX - 1, UINT32_MAX, (uint64_t)UINT32_MAX + 1, INT64_MAX - 1, INT64_MAX,
		(uint64_t)INT64_MAX + 1, UINT64_MAX - 1, UINT64_MAX,
	};
	uint64_t way = random_next(random) % 8;

	if (way == 0)
		return random_next(random);
	if (way <= 3)
		return random_below(random, 16);
	if (way == 4)
		return random_below(random, 4096);
	return edges[random_below(random, sizeof(edges) / sizeof(edges[0]))];
}

static bool read_varint(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	*value = 0;
	for (unsigned int shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t digit = *(*at)++;

		*value |= (uint64_t)(digit & 0x7f) << shift;
		if (!(digit & 0x80))
			return true;
	}
	return false;
}

bool field_next(const uint8_t **at, const uint8_t *end, struct field *field)
{
	uint64_t tag, length;

	*field = (struct field){.begin = *at};
	if (!read_varint(at, end, &tag))
		return false;
	field->number = (uint32_t)(tag >> 3);
	field->type = (unsigned int)(tag & 7);
	field->value = *at;
	switch (field->type) {
	case WIRE_VARINT:
		if (!read_varint(at, end, &field->varint))
			return false;
		break;
	case WIRE_BYTES:
		if (!read_varint(at, end, &length) || length > (size_t)(end - *at))
			return false;
		field->value = *at;
		*at += length;
		break;
	case WIRE_64:
	case WIRE_32:
		if ((size_t)(end - *at) < (field->type == WIRE_64 ? 8 : 4))
			return false;
		*at += field->type == WIRE_64 ? 8 : 4;
		break;
	default:
		return false;
	}
	field->size = (size_t)(*at - field->value);
	return true;
}

bool field_find(const uint8_t *message, size_t size, uint32_t number, unsigned int type, struct field *field)
{
	const uint8_t *at = message;

	while (field_next(&at, message + size, field))
		if (field->number == number && field->type == type)
			return true;
	return false;
}

static void add_tag(struct bytes *out, uint32_t number, unsigned int type)
{
	bytes_add_varint(out, (uint64_t)number << 3 | type);
}

static void add_bytes(struct bytes *out, uint32_t number, const void *bytes, size_t size)
{
	add_tag(out, number, WIRE_BYTES);
	bytes_add_varint(out, size);
	bytes_add(out, bytes, size);
}

static void add_whole(struct bytes *out, const struct field *field)
{
	bytes_add(out, field->begin, (size_t)(field->value + field->size - field->begin));
}

/* Texts that mean something in a plan. */
static const char *const words[] = {
	"", ".", "..", "a/b", "PIPE", "FIFO", "REG", "EXT", "pipes-data.img", "fifo-data.img", "inherit-plan.img", "files.img",
	"directory", "memfd", "socket", "terminal", "eventfd", "inotify", "pidfd", "signalfd", "timerfd", "/memfd:board",
	"/memfd:x", "tty[fd670001:1]", "tty[fd670001:2]", "\x1b[31m", "\xff\xfe", "\\x1b", "fd[5]:pipe:[1]", "regular", "link",
};

static void add_new(struct bytes *out, struct random *random)
{
	uint32_t number = (uint32_t)(1 + random_below(random, NUMBER_MAX));
	const char *word = words[random_below(random, sizeof(words) / sizeof(words[0]))];

	if (random_below(random, 2) == 0) {
		add_tag(out, number, WIRE_VARINT);
		bytes_add_varint(out, random_number(random));
	} else {
		add_bytes(out, number, word, strlen(word));
	}
}

static void edit(struct bytes *out, const uint8_t *message, size_t size, struct random *random, int depth);

static bool is_message(const struct field *field)
{
	const uint8_t *at = field->value;
	const uint8_t *end = field->value + field->size;
	struct field inner;

	if (field->size == 0)
		return false;
	while (at < end)
		if (!field_next(&at, end, &inner) || inner.number == 0)
			return false;
	return true;
}

static void add_changed_bytes(struct bytes *out, const struct field *field, struct random *random, int depth)
{
	uint8_t *room = malloc(field->size + LENGTH_MAX);
	struct bytes inner = {.at = room, .room = field->size + LENGTH_MAX};
	const char *word = words[random_below(random, sizeof(words) / sizeof(words[0]))];

	if (!room) {
		add_whole(out, field);
		return;
	}
	if (depth < DEPTH_MAX && is_message(field) && random_below(random, 8) != 0) {
		edit(&inner, field->value, field->size, random, depth + 1);
	} else if (random_below(random, 2) == 0) {
		bytes_add(&inner, word, strlen(word));
	} else {
		memcpy(room, field->value, field->size);
		inner.size = LLVMFuzzerMutate(room, field->size, inner.room);
	}
	add_bytes(out, field->number, room, inner.size);
	free(room);
}

static void add_changed(struct bytes *out, const struct field *field, struct random *random, int depth)
{
	switch (field->type) {
	case WIRE_VARINT:
		add_tag(out, field->number, WIRE_VARINT);
		switch (random_below(random, 4)) {
		case 0:
			bytes_add_varint(out, field->varint + 1);
			break;
		case 1:
			bytes_add_varint(out, field->varint - 1);
			break;
		case 2:
			bytes_add_varint(out, field->varint ^ UINT64_C(1) << random_below(random, 32));
			break;
		default:
			bytes_add_varint(out, random_number(random));
		}
		return;
	case WIRE_BYTES:
		add_changed_bytes(out, field, random, depth);
		return;
	default:
		add_whole(out, field);
	}
}

static void edit(struct bytes *out, const uint8_t *message, size_t size, struct random *random, int depth)
{
	static struct field fields[DEPTH_MAX + 1][FIELDS_MAX];
	struct field *list = fields[depth];
	enum { CHANGE, CHANGE_TOO, CHANGE_OFTEN, REPEAT, DROP, SWAP, ADD, WAYS } way;
	const uint8_t *at = message;
	size_t count = 0;
	size_t chosen, other;

	while (count < FIELDS_MAX && field_next(&at, message + size, &list[count]))
		count++;
	way = count == 0 ? ADD : random_below(random, WAYS);
	chosen = random_below(random, count);
	other = random_below(random, count);
	for (size_t i = 0; i < count; i++) {
		const struct field *field = &list[i];

		if (way == SWAP && (i == chosen || i == other)) {
			add_whole(out, &list[i == chosen ? other : chosen]);
			continue;
		}
		if (i != chosen || way == ADD) {
			add_whole(out, field);
			continue;
		}
		if (way <= CHANGE_OFTEN)
			add_changed(out, field, random, depth);
		else if (way == REPEAT)
			add_whole(out, field);
		if (way == REPEAT)
			add_whole(out, field);
	}
	if (way == ADD)
		add_new(out, random);
}

void wire_edit(struct bytes *out, const uint8_t *message, size_t size, struct random *random)
{
	edit(out, message, size, random, 0);
}

void wire_set(struct bytes *out, const uint8_t *message, size_t size, uint32_t number, uint64_t value)
{
	const uint8_t *at = message;
	struct field field;

	while (field_next(&at, message + size, &field))
		if (field.number != number)
			add_whole(out, &field);
	add_tag(out, number, WIRE_VARINT);
	bytes_add_varint(out, value);
}
