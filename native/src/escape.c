#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Length of the valid UTF-8 character at p, 0 where there is none; its code point goes to *found. */
static size_t utf8_length(const unsigned char *p, size_t left, uint32_t *found)
{
	size_t length;
	uint32_t code;

	if (p[0] < 0x80) {
		*found = p[0];
		return 1;
	}
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
	*found = code;
	return length;
}

/*
 * The same characters as NOT_SHOWN of src/bytes/escape.ts: controls, what turns the reading direction, breaks lines or
 * shows nothing, and U+FFFD, which stands for bytes that are lost.
 */
static const struct {
	uint32_t first, last;
} not_shown[] = {
	{ 0x00, 0x1f },     { 0x7f, 0x9f },	{ 0x61c, 0x61c },   { 0x200b, 0x200f },	  { 0x2028, 0x202e },
	{ 0x2060, 0x2069 }, { 0xfeff, 0xfeff }, { 0xfffd, 0xfffd }, { 0xe0000, 0xe007f },
};

static bool is_shown(uint32_t code)
{
	for (size_t i = 0; i < sizeof(not_shown) / sizeof(not_shown[0]); i++) {
		if (code >= not_shown[i].first && code <= not_shown[i].last)
			return false;
	}
	return true;
}

const char *escape(struct shown *shown, enum escape_kind kind, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	size_t used = 0;

	while (length > 0) {
		uint32_t code = 0;
		size_t whole = utf8_length(p, length, &code);
		bool literal = whole > 0 && is_shown(code);

		if (kind == ESCAPE_RAW && length > 1 && p[0] == '\\' && p[1] == 'x')
			literal = false;
		if (whole == 0)
			whole = 1;
		/* The longest that one step writes is four escaped bytes; "..." and the end need four more. */
		if (used + 16 + 4 > sizeof(shown->text)) {
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

/* As much as can be shown: a text can be as long as a plan, and be shown for each of its placeholders. */
static size_t length_shown(const char *text)
{
	return strnlen(text, SHOWN_MAX);
}

const char *show_raw(struct shown *shown, const char *text)
{
	return escape(shown, ESCAPE_RAW, text, length_shown(text));
}

const char *show_printed(struct shown *shown, const char *text)
{
	return escape(shown, ESCAPE_PRINTED, text, length_shown(text));
}
