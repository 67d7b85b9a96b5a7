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

/*
 * True for a stream socket that shutdown(SHUT_WR) closed for writing. Nothing is sent: the kernel looks at that before the
 * bytes, which are none. Of other types, no bytes are a message.
 */
static bool is_shut_for_writing(int fd)
{
	int type = 0;
	socklen_t length = sizeof(type);

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) || type != SOCK_STREAM)
		return false;
	return send(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE;
}

/* True for a pipe without readers, for a terminal or a connected socket that was hung up, and for one shut for writing. */
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
	if (poll(&poll_fd, 1, 0) == 1 && poll_fd.revents & (POLLERR | POLLHUP))
		return true;
	return caller->kind == CALLER_SOCKET && is_shut_for_writing(caller->fd);
}

/* An entry of another kind than a connected socket has its own calls, or nobody at the other end either. */
static bool writes_to_peer(const struct graft *graft)
{
	const struct kind *kind = &graft->kind;

	if (!graft->needs_write)
		return false;
	return kind->name == KIND_ANY ||
	       (kind->name == KIND_SOCKET && kind->state == FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_CONNECTED);
}

/*
 * A dup of both ends in the place of one: the task holds the other end itself. CRIU opens a pipe again with the entry's
 * access, and so do others who open it again.
 */
static bool is_both_ends(const struct caller *caller, const struct graft *graft)
{
	return caller_is_pipe(caller) && (caller->flags & O_ACCMODE) == O_RDWR && (graft->flags & O_ACCMODE) != O_RDWR &&
	       !(graft->flags & O_PATH) && !graft->reopen && graft->apply != FDGRAFT__PLAN_APPLY__APPLY_DUP;
}

static void warn_of_both_ends(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		const struct caller *caller = caller_find(callers, graft->caller_fd);
		bool reads = (graft->flags & O_ACCMODE) == O_RDONLY;
		struct shown spec;

		if (graft->refused || !is_both_ends(caller, graft))
			continue;
		warning("caller fd %u is %s open for reading and writing, and file id %u only %s it (spec %s): the restored task keeps the other end open itself, and %s; open it for %s alone, use apply reopen, or use apply dup if you mean it",
			caller->number, caller_kind_name(caller->kind), graft->file_id, reads ? "reads" : "writes",
			show_spec(&spec, plan, graft->spec),
			reads ? "never reads the end" : "waits without SIGPIPE if nobody reads", reads ? "reading" : "writing");
	}
}

void peers_check(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++)
		callers->list[i].is_alone = is_alone(&callers->list[i]);
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct caller *caller = caller_find(callers, graft->caller_fd);
		struct shown spec;

		if (!caller->is_alone || graft->refused || !writes_to_peer(graft))
			continue;
		caller->is_alone = false;
		warning("caller fd %u is %s whose other end is closed%s, and file id %u writes to it (spec %s): %s; start what reads it before the restore",
			caller->number, caller_kind_name(caller->kind),
			caller->kind == CALLER_SOCKET ? " or that is shut down for writing" : "", graft->file_id, show_spec(&spec, plan, graft->spec),
			caller->kind == CALLER_DEVICE ? "the restored task gets EIO" : "the restored task gets SIGPIPE");
	}
	warn_of_both_ends(plan, callers);
}
