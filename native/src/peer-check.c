#include "peer-check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "message.h"

static bool is_socket_with_peer(int fd)
{
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);

	return getpeername(fd, (struct sockaddr *)&address, &length) == 0;
}

/* True for a pipe without readers, and for a terminal or a connected socket that was hung up. */
static bool is_alone(const struct caller *caller)
{
	struct pollfd poll_fd = {.fd = caller->fd};

	switch (caller->kind) {
	case CALLER_SOCKET:
		/* One that was never connected has POLLHUP too. */
		if (!is_socket_with_peer(caller->fd))
			return false;
		break;
	case CALLER_PIPE:
	case CALLER_FIFO:
		/* The reading end without writers is at its end, as a file can be. */
		if ((caller->flags & O_ACCMODE) != O_WRONLY)
			return false;
		break;
	case CALLER_DEVICE:
		return !isatty(caller->fd) && errno == EIO;
	default:
		return false;
	}
	return poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLERR | POLLHUP);
}

void peers_check(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++)
		callers->list[i].is_alone = is_alone(&callers->list[i]);
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct caller *caller = caller_find(callers, graft->caller_fd);
		struct shown spec;

		/* Those of other kinds are compared with the state that they had. */
		if (!caller->is_alone || graft->refused || !graft->needs_write || graft->kind.name != KIND_ANY)
			continue;
		caller->is_alone = false;
		warning("caller fd %u is %s whose other end is closed, and file id %u writes to it (spec %s): %s; start what reads it before the restore",
			caller->number, caller_kind_name(caller->kind), graft->file_id, show_spec(&spec, plan, graft->spec),
			caller->kind == CALLER_DEVICE ? "the restored task gets EIO" : "the restored task gets SIGPIPE");
	}
}
