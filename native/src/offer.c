#include "offer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "clear-dup.h"
#include "escape.h"
#include "exit-codes.h"
#include "message.h"
#include "unix-socket.h"

#define WAITING_CONNECTIONS 8
/* A pause if the system has no descriptor or memory left for a connection. */
#define PAUSE_NS 100000000L

int open_dir_of(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char *parent;
	int dir;

	*name = slash ? slash + 1 : path;
	if (**name == '\0' || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0) {
		errno = EISDIR;
		return -1;
	}
	parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	if (!parent)
		return -1;
	dir = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(parent);
	return dir;
}

int offer_prepare(struct offer *offer, const struct plan *plan, const char *path)
{
	struct shown shown;
	struct stat status;

	*offer = NO_OFFER;
	offer->dir = open_dir_of(path, &offer->name);
	if (offer->dir < 0) {
		message("--pty=%s: cannot open the directory of the socket: %s", show_raw(&shown, path), cause_of(errno));
		return EXIT_UNUSABLE;
	}
	offer->dir = dup_clear_of_callers(offer->dir, plan);
	if (offer->dir < 0)
		return EXIT_SYSTEM;
	if (!unix_name_fits(offer->dir, offer->name)) {
		message("--pty=%s: the name of the socket is too long; give a shorter one, in any directory",
			show_raw(&shown, path));
		return EXIT_UNUSABLE;
	}
	if (fstatat(offer->dir, offer->name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
		message("--pty=%s: the path exists; give a path that does not exist, or remove it if no fdgraft-exec listens there",
			show_raw(&shown, path));
		return EXIT_UNUSABLE;
	}
	return 0;
}

int offer_open(struct offer *offer, const struct plan *plan)
{
	struct shown shown;
	int fd = unix_bind(offer->dir, offer->name, SOCK_STREAM);

	if (fd < 0 || fstatat(offer->dir, offer->name, &offer->made, AT_SYMLINK_NOFOLLOW)) {
		message("--pty: cannot make the socket %s: %s", show_raw(&shown, offer->name), cause_of(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	offer->listener = dup_clear_of_callers(fd, plan);
	if (offer->listener < 0)
		return -1;
	if (listen(offer->listener, WAITING_CONNECTIONS) == 0)
		return 0;
	message("--pty: cannot listen: %s", cause_of(errno));
	return -1;
}

struct pollfd offer_want(const struct offer *offer)
{
	return (struct pollfd){.fd = offer->connection >= 0 ? offer->connection : offer->listener, .events = POLLIN};
}

/* False: nobody has it. */
static bool send_master(int connection, int master, const char *terminal)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {.iov_base = (char *)terminal, .iov_len = strlen(terminal)};
	struct msghdr whole = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&whole);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(rights), &master, sizeof(master));
	return sendmsg(connection, &whole, MSG_NOSIGNAL) == (ssize_t)data.iov_len;
}

static void answer_one(struct offer *offer, int master, const char *terminal)
{
	int connection = accept4(offer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct ucred peer;

	if (connection < 0) {
		struct timespec pause = {.tv_nsec = PAUSE_NS};

		/* The connection waits on, and the next look finds it again. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			(void)nanosleep(&pause, NULL);
		return;
	}
	if (unix_peer(connection, &peer) == 0 && is_trusted(peer.uid) && send_master(connection, master, terminal))
		offer->connection = connection;
	else
		close(connection);
}

bool offer_answer(struct offer *offer, int master, const char *terminal)
{
	ssize_t got;
	char byte;

	if (offer->connection < 0) {
		answer_one(offer, master, terminal);
		return false;
	}
	got = recv(offer->connection, &byte, 1, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	close(offer->connection);
	offer->connection = -1;
	/* An error, ECONNRESET: the other end was closed before the message was read. */
	if (got < 0)
		return false;
	offer_close(offer);
	return true;
}

void offer_close(struct offer *offer)
{
	struct stat now;

	/* Another one may be there by now. */
	if (offer->listener >= 0 && fstatat(offer->dir, offer->name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    now.st_dev == offer->made.st_dev && now.st_ino == offer->made.st_ino)
		(void)unlinkat(offer->dir, offer->name, 0);
	if (offer->listener >= 0)
		close(offer->listener);
	if (offer->connection >= 0)
		close(offer->connection);
	if (offer->dir >= 0)
		close(offer->dir);
	*offer = NO_OFFER;
}
