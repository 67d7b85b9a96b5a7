#include "handover.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_WORD "1 "

int handover_write(struct text *text, const unsigned char digest[SHA256_SIZE], const struct callers *callers)
{
	char hex[SHA256_HEX + 1];

	sha256_hex(digest, hex);
	if (text_add(text, VERSION_WORD "%s", hex))
		return -1;
	for (size_t i = 0; i < callers->count; i++) {
		const struct caller *caller = &callers->list[i];

		if (text_add(text, " %u=%d:%llx:%llx:%o", caller->number, caller->fd,
			     (unsigned long long)caller->status.st_dev, (unsigned long long)caller->status.st_ino,
			     (unsigned int)caller->status.st_mode))
			return -1;
	}
	return 0;
}

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits only, at least one, at most `max`; then `end`, which is stepped over unless it is NUL. */
static int read_number(const char **at, unsigned int base, uint64_t max, char end, uint64_t *number)
{
	const char *begin = *at;
	uint64_t value = 0;

	for (; (unsigned int)digit_of(**at) < base; (*at)++) {
		unsigned int digit = (unsigned int)digit_of(**at);

		if (value > (max - digit) / base)
			return -1;
		value = value * base + digit;
	}
	if (*at == begin || **at != end)
		return -1;
	if (end != '\0')
		(*at)++;
	*number = value;
	return 0;
}

static int read_digest(const char **at, unsigned char digest[SHA256_SIZE])
{
	for (size_t i = 0; i < SHA256_SIZE; i++) {
		int high = digit_of((*at)[0]);
		int low = high < 16 ? digit_of((*at)[1]) : 99;

		if (low >= 16)
			return -1;
		digest[i] = (unsigned char)(high << 4 | low);
		*at += 2;
	}
	return 0;
}

static int read_handed(const char **at, struct handed *handed)
{
	uint64_t number, fd, mode;
	const char *word_end = strchr(*at, ' ');

	if (read_number(at, 10, FD_NUMBER_MAX, '=', &number) || read_number(at, 10, INT_MAX, ':', &fd) ||
	    read_number(at, 16, UINT64_MAX, ':', &handed->device) || read_number(at, 16, UINT64_MAX, ':', &handed->inode) ||
	    read_number(at, 8, UINT32_MAX, word_end ? ' ' : '\0', &mode))
		return -1;
	/* 0 to 2 stay with COMMAND, so none of them is ever handed over. */
	if (fd <= 2)
		return -1;
	handed->number = (uint32_t)number;
	handed->fd = (int)fd;
	handed->mode = (uint32_t)mode;
	return word_end ? 1 : 0;
}

int handover_read(struct handover *handover, const char *text)
{
	size_t length = strnlen(text, HANDOVER_MAX);
	const char *at = text;
	size_t words = 0;
	int more;

	*handover = (struct handover){0};
	if (length == HANDOVER_MAX || strncmp(at, VERSION_WORD, strlen(VERSION_WORD)) != 0)
		return -1;
	at += strlen(VERSION_WORD);
	if (read_digest(&at, handover->digest))
		return -1;
	if (*at == '\0')
		return 0;
	if (*at++ != ' ')
		return -1;
	for (const char *p = at; *p; p++)
		words += *p == ' ';
	handover->list = calloc(words + 1, sizeof(*handover->list));
	if (!handover->list)
		return -1;
	do {
		struct handed *handed = &handover->list[handover->count];

		more = read_handed(&at, handed);
		if (more < 0 || (handover->count > 0 && handed->number <= handed[-1].number)) {
			handover_free(handover);
			return -1;
		}
		handover->count++;
	} while (more);
	return 0;
}

void handover_free(struct handover *handover)
{
	free(handover->list);
	handover->list = NULL;
	handover->count = 0;
}
