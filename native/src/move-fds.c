#include "move-fds.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "message.h"

/* High enough that no caller and no restored program is likely to use it. */
#define HIGH_NUMBER 256
#define LOWEST_NUMBER 3

static int first_number(size_t count)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= HIGH_NUMBER + 2 * count + HIGH_NUMBER)
		return HIGH_NUMBER;
	return limit.rlim_cur > count + LOWEST_NUMBER ? (int)(limit.rlim_cur - count) : LOWEST_NUMBER;
}

/* The lowest free number from `lowest` on; where those are used up, from lower on. */
static int dup_from(int fd, int lowest)
{
	int high = fcntl(fd, F_DUPFD, lowest);

	while (high < 0 && (errno == EMFILE || errno == EINVAL) && lowest > LOWEST_NUMBER) {
		lowest = lowest / 2 > LOWEST_NUMBER ? lowest / 2 : LOWEST_NUMBER;
		high = fcntl(fd, F_DUPFD, lowest);
	}
	return high;
}

int move_high(struct callers *callers)
{
	int lowest = first_number(callers->count);

	for (size_t i = 0; i < callers->count; i++) {
		int high = dup_from(callers->list[i].fd, lowest);

		if (high < 0) {
			message("caller fd %u: cannot dup it to a high number: %s", callers->list[i].number, strerror(errno));
			return -1;
		}
		callers->list[i].fd = high;
	}
	return 0;
}

static int by_value(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left;
	uint32_t b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

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

int move_off_callers(int fd, const struct plan *plan)
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
		message("cannot dup the image folder: %s", strerror(errno));
	free(numbers);
	close(fd);
	return copy;
}
