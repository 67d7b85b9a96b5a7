#include "watch-check.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "message.h"

/* Asks the kernel itself: character devices, for one, are not all alike. 0 or an errno. */
static int try_watching(int epoll, int fd)
{
	struct epoll_event nothing = {0};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &nothing))
		return errno == EEXIST ? 0 : errno;
	return epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &nothing) ? errno : 0;
}

static int check_one(const struct plan *plan, const struct graft *graft, const struct caller *caller, int epoll)
{
	int error = try_watching(epoll, caller->fd);
	struct shown spec;

	if (error == 0)
		return 0;
	if (error != EPERM) {
		message("caller fd %u: cannot find out whether an epoll takes it: %s", caller->number, cause_of(error));
		return -1;
	}
	problem("caller fd %u is %s that no epoll takes (spec %s), and an epoll of the checkpoint watches file id %u; give a pipe, FIFO, socket or terminal",
		caller->number, caller_kind_name(caller->kind), show_spec(&spec, plan, graft->spec), graft->file_id);
	return 0;
}

int watches_check(const struct plan *plan, const struct callers *callers)
{
	int epoll = -1;
	int result = 0;

	for (size_t i = 0; result == 0 && i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		const struct caller *caller = caller_find(callers, graft->caller_fd);

		/* What is wrong with the refused ones is said. */
		if (!graft->watched || graft->refused || !caller)
			continue;
		if (epoll < 0)
			epoll = epoll_create1(EPOLL_CLOEXEC);
		if (epoll < 0) {
			message("cannot make an epoll: %s", cause_of(errno));
			return -1;
		}
		result = check_one(plan, graft, caller, epoll);
	}
	if (epoll >= 0)
		close(epoll);
	return result;
}
