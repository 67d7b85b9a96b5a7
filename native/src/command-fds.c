#include "command-fds.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command-words.h"

/* The N of fd[N]:KEY, as CRIU reads it, or -1. */
static long number_of(const char *spec)
{
	char *rest;
	long number;

	if (strncmp(spec, "fd[", 3) != 0)
		return -1;
	number = strtol(spec + 3, &rest, 10);
	return rest != spec + 3 && *rest == ']' ? number : -1;
}

static bool names(char *const *command, uint32_t fd)
{
	for (size_t i = 0; command[i]; i++) {
		const char *value = strchr(command[i], '=');

		if (!is_inherit_fd_word(command[i]))
			continue;
		value = value ? value + 1 : command[i + 1];
		if (value && number_of(value) == (long)fd)
			return true;
	}
	return false;
}

void command_fds_close(char *const *command, const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++)
		if (callers->list[i].number > 2 && !names(command, callers->list[i].number))
			close((int)callers->list[i].number);
	/* These may be among the others. */
	for (size_t i = 0; i < plan->head->n_debugs; i++)
		if (plan->head->debugs[i]->caller_fd > 2 && !names(command, plan->head->debugs[i]->caller_fd))
			close((int)plan->head->debugs[i]->caller_fd);
}
