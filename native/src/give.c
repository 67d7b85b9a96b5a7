#include "give.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "debug-texts.h"
#include "frames.h"
#include "unix-socket.h"

/* For all of a connection but the debug texts: a peer that says nothing keeps others waiting for no longer. */
#define CONNECTION_MS 10000
#define END_MS 2000
/* A pause if the system has no descriptor or memory left for a connection. */
#define PAUSE_NS 100000000L

static void refuse(int connection, enum frame_reason reason, int64_t deadline)
{
	struct frame frame = frame_of(FRAME_REFUSED);

	frame.reason = reason;
	/* A peer that does not take it sees the end of the connection. */
	(void)frame_send(connection, &frame, NULL, 0, deadline);
}

static bool greet(const struct gift *gift, int connection, int64_t deadline)
{
	struct frame frame;
	size_t fds;
	enum received received = frame_receive(connection, &frame, NULL, 0, &fds, deadline);

	if (received == RECEIVED_VERSION)
		refuse(connection, REFUSED_VERSION, deadline);
	if (received != RECEIVED || frame.kind != FRAME_HELLO)
		return false;
	if (memcmp(frame.digest, gift->plan->digest, SHA256_SIZE) != 0) {
		refuse(connection, REFUSED_PLAN, deadline);
		return false;
	}
	frame = frame_of(FRAME_OFFER);
	frame.count = (uint32_t)gift->callers->count;
	return frame_send(connection, &frame, NULL, 0, deadline) == 0;
}

static bool send_some(const struct gift *gift, int connection, uint32_t first, int64_t deadline)
{
	struct frame frame = frame_of(FRAME_FDS);
	int fds[FRAME_FDS_MAX];
	size_t left;

	if (first >= gift->callers->count)
		return false;
	left = gift->callers->count - first;
	frame.first = first;
	frame.count = left > FRAME_FDS_MAX ? FRAME_FDS_MAX : (uint32_t)left;
	for (uint32_t i = 0; i < frame.count; i++) {
		frame.numbers[i] = gift->callers->list[first + i].number;
		fds[i] = gift->callers->list[first + i].fd;
	}
	return frame_send(connection, &frame, fds, frame.count, deadline) == 0;
}

/* True when the peer has all. */
static bool send_all(const struct gift *gift, int connection, int64_t deadline)
{
	for (;;) {
		struct frame frame;
		size_t fds;

		if (frame_receive(connection, &frame, NULL, 0, &fds, deadline) != RECEIVED)
			return false;
		if (frame.kind == FRAME_DONE)
			return true;
		if (frame.kind != FRAME_WANT || !send_some(gift, connection, frame.first, deadline))
			return false;
	}
}

/* Nobody but the restored tasks is to keep them: the reader of a pipe waits for its end. */
static void let_go(const struct gift *gift)
{
	const Fdgraft__PlanHead *head = gift->plan->head;

	for (size_t i = 0; i < gift->callers->count; i++) {
		struct caller *caller = &gift->callers->list[i];

		if (caller->fd > 2)
			close(caller->fd);
		caller->fd = -1;
	}
	for (size_t i = 0; gift->has_debugs && i < head->n_debugs; i++)
		if (head->debugs[i]->caller_fd > 2)
			close((int)head->debugs[i]->caller_fd);
}

/* The links to plugins have to stay until CRIU has loaded all of them: their directory becomes the plugin's. */
static void end(const struct gift *gift, int connection, bool debugs_are_written)
{
	struct start_dir *dir = gift->dir;
	struct frame frame = frame_of(FRAME_END);
	int directory = dir->fd;
	bool passes = dir->has_plugins;

	start_dir_hide(dir);
	if (passes)
		memcpy(frame.name, dir->name, sizeof(frame.name));
	else
		start_dir_remove(dir);
	if (!debugs_are_written)
		refuse(connection, REFUSED_DEBUG, deadline_after(END_MS));
	else if (frame_send(connection, &frame, &directory, passes ? 1 : 0, deadline_after(END_MS)) == 0 && passes)
		start_dir_leave(dir);
	/* Where it was not passed on. */
	start_dir_remove(dir);
}

enum given give_over(const struct gift *gift, int connection)
{
	int64_t deadline = deadline_after(CONNECTION_MS);
	struct ucred peer;
	bool written;

	if (unix_peer(connection, &peer) || !is_trusted(peer.uid))
		return GIVEN_NOT;
	if (!greet(gift, connection, deadline) || !send_all(gift, connection, deadline))
		return GIVEN_NOT;
	written = !gift->has_debugs || debug_write(gift->plan) == 0;
	let_go(gift);
	end(gift, connection, written);
	return written ? GIVEN : GIVEN_WITHOUT_DEBUGS;
}

enum given give(const struct gift *gift, int listener)
{
	int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	enum given given;

	if (connection < 0) {
		struct timespec pause = {.tv_nsec = PAUSE_NS};

		/* The connection waits on, and the next look finds it again. */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			(void)nanosleep(&pause, NULL);
		return GIVEN_NOT;
	}
	given = give_over(gift, connection);
	close(connection);
	return given;
}
