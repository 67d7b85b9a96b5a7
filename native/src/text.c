#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	char *part = NULL;
	int length;

	va_start(arguments, format);
	length = vasprintf(&part, format, arguments);
	va_end(arguments);
	if (length < 0)
		return -1;
	if (text->room - text->length <= (size_t)length) {
		size_t room = 2 * (text->room + (size_t)length + 1);
		char *bytes = realloc(text->bytes, room);

		if (!bytes) {
			free(part);
			return -1;
		}
		text->bytes = bytes;
		text->room = room;
	}
	memcpy(text->bytes + text->length, part, (size_t)length + 1);
	text->length += (size_t)length;
	free(part);
	return 0;
}

int text_add_bits(struct text *text, const struct bit_name *names, size_t count, uint32_t bits)
{
	for (size_t i = 0; i < count; i++) {
		if ((bits & names[i].bits) != names[i].bits)
			continue;
		bits &= ~names[i].bits;
		if (text_add(text, "%s%s", text->length ? "|" : "", names[i].name))
			return -1;
	}
	return 0;
}

void text_free(struct text *text)
{
	free(text->bytes);
	*text = (struct text){0};
}
