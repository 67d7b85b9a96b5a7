/* A text that grows. */
#ifndef FDGRAFT_TEXT_H
#define FDGRAFT_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char *bytes;
	size_t length;
	size_t room;
};

/* 0, or -1 when memory is out. */
int text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
struct bit_name {
	uint32_t bits;
	const char *name;
};

/* Adds the names, with | between them, of those whose bits are all there; a bit counts once. 0, or -1 when memory is out. */
int text_add_bits(struct text *text, const struct bit_name *names, size_t count, uint32_t bits);

void text_free(struct text *text);

#endif
