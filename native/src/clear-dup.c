#include "clear-dup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "by-value.h"
#include "message.h"

#define LOWEST_NUMBER 3

int dup_clear_of(int fd, const uint32_t *taken, size_t count)
{
	int lowest = LOWEST_NUMBER;

	for (;;) {
		int copy = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
		uint32_t number = (uint32_t)copy;

		if (copy < 0)
			return -1;
		if (count == 0 || !bsearch(&number, taken, count, sizeof(*taken), by_value))
			return copy;
		close(copy);
		lowest = copy + 1;
	}
}

int dup_clear_of_callers(int fd, const struct plan *plan)
{
	const Fdgraft__PlanHead *head = plan->head;
	uint32_t *numbers = calloc(head->n_specs + head->n_debugs + 1, sizeof(*numbers));
	size_t count = 0;
	int copy = -1;

	if (!numbers) {
		message("out of memory");
		close(fd);
		return -1;
	}
	for (size_t i = 0; i < head->n_specs; i++)
		numbers[count++] = head->specs[i]->caller_fd;
	for (size_t i = 0; i < head->n_debugs; i++)
		numbers[count++] = head->debugs[i]->caller_fd;
	qsort(numbers, count, sizeof(*numbers), by_value);
	copy = dup_clear_of(fd, numbers, count);
	if (copy < 0)
		message("cannot dup a descriptor: %s", cause_of(errno));
	free(numbers);
	close(fd);
	return copy;
}
