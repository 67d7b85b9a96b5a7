#include "write-signals.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "message.h"

static const struct {
	int number;
	const char *name;
} ignored[] = {{SIGPIPE, "SIGPIPE"}, {SIGXFSZ, "SIGXFSZ"}};
#define COUNT (sizeof(ignored) / sizeof(ignored[0]))
_Static_assert(COUNT == sizeof(((struct write_signals *)NULL)->before) / sizeof(struct sigaction), "one for each");

int write_signals_ignore(struct write_signals *signals)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	*signals = (struct write_signals){0};
	for (size_t i = 0; i < COUNT; i++)
		if (sigaction(ignored[i].number, &ignore, &signals->before[i])) {
			message("cannot ignore %s: %s", ignored[i].name, cause_of(errno));
			return -1;
		}
	return 0;
}

int write_signals_restore(const struct write_signals *signals)
{
	for (size_t i = 0; i < COUNT; i++)
		if (sigaction(ignored[i].number, &signals->before[i], NULL)) {
			message("cannot set %s back: %s", ignored[i].name, cause_of(errno));
			return -1;
		}
	return 0;
}
