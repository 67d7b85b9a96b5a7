/* Edits of protobuf messages that stay messages: of fields as they are on the wire. */
#ifndef FDGRAFT_WIRE_EDIT_H
#define FDGRAFT_WIRE_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that grow up to a limit; what is added past it is left out, and `full` says so. */
struct bytes {
	uint8_t *at;
	size_t size;
	size_t room;
	bool full;
};

void bytes_add(struct bytes *bytes, const void *more, size_t size);
void bytes_add_varint(struct bytes *bytes, uint64_t value);

struct random {
	uint64_t state;
};

uint64_t random_next(struct random *random);
/* 0 to limit - 1. */
size_t random_below(struct random *random, size_t limit);
/* A number near a limit of the program, or any. */
uint64_t random_number(struct random *random);

struct field {
	const uint8_t *begin; /* of its tag */
	const uint8_t *value; /* of its content, past a length */
	size_t size; /* of the content */
	uint32_t number;
	unsigned int type; /* of the wire */
	uint64_t varint; /* where type is WIRE_VARINT */
};

enum { WIRE_VARINT, WIRE_64, WIRE_BYTES, WIRE_START, WIRE_END, WIRE_32 };

/* The next field of a message; false at its end, and where the bytes are no field. */
bool field_next(const uint8_t **at, const uint8_t *end, struct field *field);

/* The first field of that number and type in a message. */
bool field_find(const uint8_t *message, size_t size, uint32_t number, unsigned int type, struct field *field);

/* Writes the message with one thing changed. */
void wire_edit(struct bytes *out, const uint8_t *message, size_t size, struct random *random);

/* Writes the message with field `number` set to a varint, added if it is missing. */
void wire_set(struct bytes *out, const uint8_t *message, size_t size, uint32_t number, uint64_t value);

#endif
