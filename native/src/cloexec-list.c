#include "cloexec-list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "text.h"

#define CLOEXEC_ENV "FDGRAFT_CLOEXEC"
/* Of one variable with its name (execve(2)). */
#define VARIABLE_PAGES_MAX 32

void cloexec_list_check(const struct targets *targets, uint32_t pid)
{
	size_t most = VARIABLE_PAGES_MAX * (size_t)sysconf(_SC_PAGESIZE);
	size_t bytes = sizeof(CLOEXEC_ENV "=");
	size_t count = 0;

	for (size_t i = 0; i < targets->count; i++) {
		if (!targets->list[i].close_on_exec)
			continue;
		for (uint32_t rest = targets->list[i].fd; rest > 9; rest /= 10)
			bytes++;
		/* The last digit, and a comma before it. */
		bytes += count++ > 0 ? 2 : 1;
	}
	if (bytes > most)
		problem("task %u has %zu descriptors with close-on-exec: " CLOEXEC_ENV
			" would have %zu bytes, and a variable holds at most %zu; name fewer of its files in the rewrite",
			pid, count, bytes, most);
}

int cloexec_list_set(const struct targets *targets)
{
	struct text list = {0};
	int result = text_add(&list, "%s", "");

	for (size_t i = 0; result == 0 && i < targets->count; i++)
		if (targets->list[i].close_on_exec)
			result = text_add(&list, "%s%u", list.length ? "," : "", targets->list[i].fd);
	if (result == 0)
		result = setenv(CLOEXEC_ENV, list.bytes, 1);
	if (result)
		message("cannot set " CLOEXEC_ENV ": %s", cause_of(errno));
	text_free(&list);
	return result;
}
