#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Length of the valid UTF-8 character at p, 0 where there is none. */
static size_t utf8_length(const unsigned char *p, size_t left)
{
	size_t length;
	uint32_t code;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		length = 2;
		code = p[0] & 0x1fu;
	} else if (p[0] >= 0xe0 && p[0] <= 0xef) {
		length = 3;
		code = p[0] & 0x0fu;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		length = 4;
		code = p[0] & 0x07u;
	} else {
		return 0;
	}
	if (left < length)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3fu);
	}
	if ((length == 3 && code < 0x800) || (length == 4 && code < 0x10000) || code > 0x10ffff ||
	    (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return length;
}

static bool is_control(const unsigned char *p, size_t length)
{
	if (length == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	/* U+0080 to U+009F: a terminal may take them for escape sequences. */
	return length == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

const char *escape(struct shown *shown, enum escape_kind kind, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	size_t used = 0;

	while (length > 0) {
		size_t whole = utf8_length(p, length);
		bool literal = whole > 0 && !is_control(p, whole);

		if (kind == ESCAPE_RAW && length > 1 && p[0] == '\\' && p[1] == 'x')
			literal = false;
		if (whole == 0)
			whole = 1;
		/* The longest that one step writes is two escaped bytes; "..." and the end need four more. */
		if (used + 8 + 4 > sizeof(shown->text)) {
			memcpy(shown->text + used, "...", 3);
			used += 3;
			break;
		}
		for (size_t i = 0; i < whole; i++) {
			if (literal) {
				shown->text[used++] = (char)p[i];
				continue;
			}
			shown->text[used++] = '\\';
			shown->text[used++] = 'x';
			shown->text[used++] = digits[p[i] >> 4];
			shown->text[used++] = digits[p[i] & 15];
		}
		p += whole;
		length -= whole;
	}
	shown->text[used] = '\0';
	return shown->text;
}

const char *show_raw(struct shown *shown, const char *text)
{
	return escape(shown, ESCAPE_RAW, text, strlen(text));
}

const char *show_printed(struct shown *shown, const char *text)
{
	return escape(shown, ESCAPE_PRINTED, text, strlen(text));
}
