/* A text that grows. */
#ifndef FDGRAFT_TEXT_H
#define FDGRAFT_TEXT_H

#include <stddef.h>

struct text {
	char *bytes;
	size_t length;
	size_t room;
};

/* 0, or -1 when memory is out. */
int text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(struct text *text);

#endif
