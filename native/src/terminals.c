#include "terminals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"

static int hold(struct terminal *terminal, const struct caller *caller)
{
	*terminal = (struct terminal){.caller_fd = caller->number, .fd = fcntl(caller->fd, F_DUPFD_CLOEXEC, 3)};
	if (terminal->fd < 0 || tcgetattr(terminal->fd, &terminal->settings) ||
	    ioctl(terminal->fd, TIOCGWINSZ, &terminal->size)) {
		message("caller fd %u: cannot look at the terminal: %s", caller->number, cause_of(errno));
		return -1;
	}
	return 0;
}

static bool has_key_of_terminal(const struct graft *graft)
{
	return is_whole_terminal(graft) && !graft->own_key.repeated;
}

int terminals_hold(struct terminals *terminals, const struct plan *plan, const struct callers *callers)
{
	*terminals = (struct terminals){.list = calloc(plan->graft_count + 1, sizeof(*terminals->list))};
	if (!terminals->list) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++)
		if (has_key_of_terminal(&plan->grafts[i]) &&
		    hold(&terminals->list[terminals->count++], caller_find(callers, plan->grafts[i].caller_fd)))
			return -1;
	return 0;
}

/* The kernel tells programs of another size alone, and the caller's terminal shows nothing of them yet. */
static int resize(const struct terminal *terminal)
{
	struct winsize other = terminal->size;

	other.ws_row ^= 1;
	return ioctl(terminal->fd, TIOCSWINSZ, &other) || ioctl(terminal->fd, TIOCSWINSZ, &terminal->size) ? -1 : 0;
}

void terminals_resize(const struct terminals *terminals)
{
	for (size_t i = 0; i < terminals->count; i++) {
		const struct terminal *terminal = &terminals->list[i];

		if (terminal->size.ws_row == 0 && terminal->size.ws_col == 0)
			continue;
		if (resize(terminal))
			message("caller fd %u: cannot set the size of the terminal: %s", terminal->caller_fd, cause_of(errno));
	}
}

void terminals_reset(const struct terminals *terminals)
{
	terminals_resize(terminals);
	for (size_t i = 0; i < terminals->count; i++)
		if (tcsetattr(terminals->list[i].fd, TCSANOW, &terminals->list[i].settings))
			message("caller fd %u: cannot give the terminal its settings again: %s", terminals->list[i].caller_fd,
				cause_of(errno));
}

void terminals_free(struct terminals *terminals)
{
	for (size_t i = 0; i < terminals->count; i++)
		if (terminals->list[i].fd >= 0)
			close(terminals->list[i].fd);
	free(terminals->list);
	*terminals = (struct terminals){0};
}
