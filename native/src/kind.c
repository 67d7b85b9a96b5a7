#include "kind.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "caller.h"
#include "escape.h"
#include "message.h"
#include "plan.h"

static const struct {
	const char *name; /* in a plan */
	const char *what; /* in messages */
	const char *link; /* what /proc/self/fd shows for an anonymous inode */
} kinds[] = {
	[KIND_ANY] = {NULL, "a file, pipe, FIFO, character device, terminal or socket", NULL},
	[KIND_DIRECTORY] = {"directory", "a directory", NULL},
	[KIND_MEMFD] = {"memfd", "a memfd or a regular file", NULL},
	[KIND_SOCKET] = {"socket", "a socket", NULL},
	[KIND_TERMINAL] = {"terminal", "a terminal", NULL},
	[KIND_EVENTFD] = {"eventfd", "an eventfd", "anon_inode:[eventfd]"},
	[KIND_INOTIFY] = {"inotify", "an inotify", "anon_inode:inotify"},
	[KIND_PIDFD] = {"pidfd", "a pidfd", "anon_inode:[pidfd]"},
	[KIND_SIGNALFD] = {"signalfd", "a signalfd", "anon_inode:[signalfd]"},
	[KIND_TIMERFD] = {"timerfd", "a timerfd", "anon_inode:[timerfd]"},
};
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

enum kind_name kind_of_link(const char *link)
{
	/* From Linux 6.9 on, pidfds have a file system of their own. */
	if (strncmp(link, "pidfd:", strlen("pidfd:")) == 0)
		return KIND_PIDFD;
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (kinds[i].link && strcmp(link, kinds[i].link) == 0)
			return (enum kind_name)i;
	return KIND_UNKNOWN;
}

static const char *read_socket(struct kind *kind, const Fdgraft__PlanSocket *socket)
{
	if (socket->state != FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_UNCONNECTED &&
	    socket->state != FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_LISTENING &&
	    socket->state != FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_CONNECTED)
		return "the state of its socket is none of 0 (unconnected), 1 (listening), 2 (connected)";
	kind->domain = socket->domain;
	kind->type = socket->type;
	kind->protocol = socket->protocol;
	kind->state = socket->state;
	if (!socket->has_name)
		return NULL;
	if (socket->name.len == 0 || socket->name.len > sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return "the name of its socket is empty or longer than any";
	kind->bound = malloc(socket->name.len);
	if (!kind->bound)
		return "there is no memory for the name of its socket";
	memcpy(kind->bound, socket->name.data, socket->name.len);
	kind->bound_length = socket->name.len;
	return NULL;
}

const char *kind_read(struct kind *kind, const Fdgraft__PlanKind *from)
{
	*kind = (struct kind){.name = KIND_ANY};
	if (!from)
		return NULL;
	for (size_t i = 1; i < KIND_COUNT; i++)
		if (strcmp(from->name, kinds[i].name) == 0)
			kind->name = (enum kind_name)i;
	if (kind->name == KIND_ANY)
		return "it asks for a kind of open file that is not known";
	if ((kind->name == KIND_SOCKET) != (from->socket != NULL))
		return "a socket is what a kind socket has, and no other";
	if (from->has_seals && kind->name != KIND_MEMFD)
		return "seals are what a kind memfd has, and no other";
	kind->has_seals = from->has_seals;
	kind->seals = from->seals;
	return from->socket ? read_socket(kind, from->socket) : NULL;
}

void kind_free(struct kind *kind)
{
	free(kind->bound);
	kind->bound = NULL;
}

static const char *domain_name(uint32_t domain)
{
	switch (domain) {
	case AF_UNIX:
		return "unix";
	case AF_INET:
		return "IPv4";
	case AF_INET6:
		return "IPv6";
	case AF_NETLINK:
		return "netlink";
	case AF_PACKET:
		return "packet";
	default:
		return "other";
	}
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case SOCK_STREAM:
		return "stream ";
	case SOCK_DGRAM:
		return "datagram ";
	case SOCK_SEQPACKET:
		return "seqpacket ";
	case SOCK_RAW:
		return "raw ";
	default:
		return "";
	}
}

static const char *state_name(Fdgraft__PlanSocketState state)
{
	switch (state) {
	case FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_LISTENING:
		return "a listening ";
	case FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_CONNECTED:
		return "a connected ";
	default:
		return "an unconnected ";
	}
}

/* States of other domains are not alike: getpeername of a netlink socket always succeeds. */
static bool has_state(uint32_t domain)
{
	return domain == AF_UNIX || domain == AF_INET || domain == AF_INET6;
}

static int get_number(const struct caller *caller, int option, uint32_t *value)
{
	int number = 0;
	socklen_t length = sizeof(number);

	if (getsockopt(caller->fd, SOL_SOCKET, option, &number, &length)) {
		message("caller fd %u: cannot look at the socket: %s", caller->number, cause_of(errno));
		return -1;
	}
	*value = (uint32_t)number;
	return 0;
}

/* Describes the caller's socket. -1 has said why. */
static int look_at_socket(const struct caller *caller, struct kind *found)
{
	struct sockaddr_storage peer;
	socklen_t length = sizeof(peer);
	uint32_t listens = 0;

	*found = (struct kind){.name = KIND_SOCKET};
	if (get_number(caller, SO_DOMAIN, &found->domain) || get_number(caller, SO_TYPE, &found->type) ||
	    get_number(caller, SO_PROTOCOL, &found->protocol) || get_number(caller, SO_ACCEPTCONN, &listens))
		return -1;
	if (listens)
		found->state = FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_LISTENING;
	else if (has_state(found->domain) && getpeername(caller->fd, (struct sockaddr *)&peer, &length) == 0)
		found->state = FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_CONNECTED;
	return 0;
}

static const char *socket_text(char text[static 64], const struct kind *kind)
{
	snprintf(text, 64, "%s%s %ssocket", has_state(kind->domain) ? state_name(kind->state) : "a ", domain_name(kind->domain),
		 type_name(kind->type));
	return text;
}

/* Refuses a unix socket that is bound to another name than the one that clients connect to. 1: said so. */
static int check_name(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	const struct kind *wanted = &graft->kind;
	struct sockaddr_un address = {0};
	socklen_t length = sizeof(address);
	struct shown name, spec;
	size_t bound;

	if (!wanted->bound)
		return 0;
	if (getsockname(caller->fd, (struct sockaddr *)&address, &length)) {
		message("caller fd %u: cannot look at the socket: %s", caller->number, cause_of(errno));
		return -1;
	}
	/* A socket of another domain has an address, and no name. */
	bound = address.sun_family == AF_UNIX && length > offsetof(struct sockaddr_un, sun_path) ?
			length - offsetof(struct sockaddr_un, sun_path) :
			0;
	/* The kernel counts the zero byte behind a path. */
	if (bound > 0 && address.sun_path[0] != '\0')
		bound = strnlen(address.sun_path, bound);
	if (bound == wanted->bound_length && memcmp(address.sun_path, wanted->bound, bound) == 0)
		return 0;
	escape(&name, ESCAPE_RAW, wanted->bound, wanted->bound_length);
	show_spec(&spec, plan, graft->spec);
	if (bound > 0 && address.sun_path[0] != '\0' && address.sun_path[0] != '/' && wanted->bound[0] == '/') {
		warning("caller fd %u is bound to a relative path (spec %s): see that it is %s, which clients in the checkpoint connect to again",
			caller->number, spec.text, name.text);
		return 0;
	}
	problem("caller fd %u is not bound to %s (spec %s), and clients in the checkpoint connect to it again; bind your socket to that name",
		caller->number, name.text, spec.text);
	return 1;
}

static bool is_internet(uint32_t domain)
{
	return domain == AF_INET || domain == AF_INET6;
}

/*
 * A datagram of UDP does not reach a socket of UDP-Lite, and a netlink socket talks to one part of the kernel. MPTCP and
 * TCP are one to their programs.
 */
static bool fits_protocol(const struct kind *wanted, const struct kind *found)
{
	bool counts = wanted->domain == AF_NETLINK || (is_internet(wanted->domain) && is_internet(found->domain) &&
						       wanted->type != SOCK_STREAM && wanted->protocol != 0);

	return !counts || wanted->protocol == found->protocol;
}

static int check_socket(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	const struct kind *wanted = &graft->kind;
	char have[64], need[64];
	struct shown spec;
	struct kind found;
	bool same;

	if (look_at_socket(caller, &found))
		return -1;
	show_spec(&spec, plan, graft->spec);
	same = (wanted->type == 0 || wanted->type == found.type) &&
	       has_state(wanted->domain) == has_state(found.domain) &&
	       (!has_state(wanted->domain) || wanted->state == found.state);
	/* Of the other domains each has calls of its own. */
	if (!has_state(wanted->domain))
		same = same && wanted->domain == found.domain;
	same = same && fits_protocol(wanted, &found);
	if (!same) {
		problem("caller fd %u is %s of protocol %u, file id %u needs %s of protocol %u (spec %s); give such a socket",
			caller->number, socket_text(have, &found), found.protocol, graft->file_id, socket_text(need, wanted),
			wanted->protocol, spec.text);
		return 1;
	}
	if (wanted->domain != found.domain)
		warning("caller fd %u is %s, file id %u was %s (spec %s): the restored task sees addresses of another kind, and options of the old kind fail",
			caller->number, socket_text(have, &found), graft->file_id, socket_text(need, wanted), spec.text);
	return check_name(plan, caller, graft);
}

static int check_terminal(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct shown spec;
	bool is_hung_up;

	if (caller->kind == CALLER_DEVICE && isatty(caller->fd))
		return 0;
	is_hung_up = caller->kind == CALLER_DEVICE && errno == EIO;
	problem("caller fd %u is %s, file id %u needs a terminal (spec %s); %s", caller->number,
		is_hung_up			? "a terminal that was hung up" :
		caller->kind == CALLER_DEVICE	? "a character device and no terminal" :
						  caller_kind_name(caller->kind),
		graft->file_id, show_spec(&spec, plan, graft->spec),
		is_hung_up			? "give one whose other end is open" :
		caller->kind == CALLER_PTMX	? "give its other side, /dev/pts/N" :
						  "give one");
	return 1;
}

/* A socket in the place of a file or pipe. Whether it can carry bytes depends on its state. */
static int check_stand_in(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct kind found;
	struct shown spec;
	char have[64];

	if (look_at_socket(caller, &found))
		return -1;
	if (found.domain == AF_NETLINK || found.domain == AF_PACKET) {
		problem("caller fd %u is %s (spec %s), whose messages are no bytes of file id %u; give a connected unix or TCP socket",
			caller->number, socket_text(have, &found), show_spec(&spec, plan, graft->spec), graft->file_id);
		return 1;
	}
	if (!has_state(found.domain) || found.state == FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_CONNECTED)
		return 0;
	socket_text(have, &found);
	show_spec(&spec, plan, graft->spec);
	if (found.state == FDGRAFT__PLAN_SOCKET_STATE__SOCKET_STATE_LISTENING) {
		problem("caller fd %u is %s (spec %s), which file id %u can neither read nor write; accept a connection, and give that",
			caller->number, have, spec.text, graft->file_id);
		return 1;
	}
	/* A datagram socket also receives from those that it is not connected to. */
	if (found.type != SOCK_DGRAM || graft->needs_write)
		warning("caller fd %u is %s (spec %s): file id %u cannot %s until it is connected; connect it before the restore",
			caller->number, have, spec.text, graft->file_id, found.type == SOCK_DGRAM ? "write" : "read or write");
	return 0;
}

static bool is_of(const struct caller *caller, enum kind_name name)
{
	switch (name) {
	case KIND_ANY:
		/* Events of the kernel are no bytes: most calls fail, though the restore succeeds. */
		return caller->kind != CALLER_ANONYMOUS && caller->kind != CALLER_SECRET;
	case KIND_DIRECTORY:
		return S_ISDIR(caller->status.st_mode);
	case KIND_MEMFD:
		return caller->kind == CALLER_FILE && S_ISREG(caller->status.st_mode);
	case KIND_SOCKET:
		return caller->kind == CALLER_SOCKET;
	case KIND_TERMINAL:
		return true; /* check_terminal() */
	default:
		return caller->kind == CALLER_ANONYMOUS && caller->anonymous == name;
	}
}

int kind_check(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	enum kind_name name = graft->kind.name;
	struct shown spec;

	/* An entry that was open with O_PATH reads and writes nothing. */
	if (name == KIND_ANY && graft->flags & O_PATH)
		return 0;
	if (!is_of(caller, name)) {
		problem("caller fd %u is %s, file id %u needs %s (spec %s); give such a one", caller->number,
			caller_kind_name(caller->kind), graft->file_id, kinds[name].what,
			show_spec(&spec, plan, graft->spec));
		return 1;
	}
	if (name == KIND_TERMINAL)
		return check_terminal(plan, caller, graft);
	if (name == KIND_ANY && caller->kind == CALLER_SOCKET)
		return check_stand_in(plan, caller, graft);
	return name == KIND_SOCKET ? check_socket(plan, caller, graft) : 0;
}
