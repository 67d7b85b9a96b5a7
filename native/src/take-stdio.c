#include "take-stdio.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "exit-codes.h"
#include "message.h"

#define COUNT 3

/* Digits alone, up to the next comma or the end. -1: anything else, and what is standard already. */
static int read_one(const char **at)
{
	long number = 0;
	const char *begin = *at;

	while (**at >= '0' && **at <= '9' && number <= INT_MAX)
		number = 10 * number + (*(*at)++ - '0');
	return *at == begin || number < COUNT || number > INT_MAX ? -1 : (int)number;
}

int take_stdio(const char *numbers)
{
	const char *at = numbers;
	struct shown shown;
	int from[COUNT];

	for (int fd = 0; fd < COUNT; fd++) {
		from[fd] = read_one(&at);
		if (from[fd] < 0 || *at != (fd < COUNT - 1 ? ',' : '\0')) {
			message("--stdio %s: write the numbers of three descriptors above 2, such as 20,21,22", show_raw(&shown, numbers));
			return EXIT_UNUSABLE;
		}
		at++;
	}
	for (int fd = 0; fd < COUNT; fd++)
		if (dup2(from[fd], fd) < 0) {
			message("--stdio %s: cannot dup descriptor %d: %s", show_raw(&shown, numbers), from[fd], cause_of(errno));
			return EXIT_UNUSABLE;
		}
	for (int fd = 0; fd < COUNT; fd++)
		close(from[fd]);
	return 0;
}
