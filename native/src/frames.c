#include "frames.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "take-fds.h"

/* The magic and the version, which every version begins with. */
#define FRAME_HEAD (2 * sizeof(uint32_t))

static int64_t now(void)
{
	struct timespec time = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t deadline_after(int64_t more)
{
	return now() + more;
}

int until_deadline(int64_t deadline)
{
	int64_t left = deadline - now();

	return left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : (int)left;
}

struct frame frame_of(enum frame_kind kind)
{
	return (struct frame){.magic = FRAME_MAGIC, .version = FRAME_VERSION, .kind = kind};
}

/* 1: ready; 0: too late; -1 with errno. */
static int wait_for(int connection, short events, int64_t deadline)
{
	struct pollfd waiting = {.fd = connection, .events = events};

	for (;;) {
		int ready = poll(&waiting, 1, until_deadline(deadline));

		if (ready >= 0)
			return ready;
		if (errno != EINTR)
			return -1;
	}
}

int frame_send(int connection, const struct frame *frame, const int *fds, size_t count, int64_t deadline)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = (void *)frame, .iov_len = sizeof(*frame)};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

	if (count > FRAME_FDS_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (count > 0) {
		struct cmsghdr *header;

		memset(&control, 0, sizeof(control));
		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&packet);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	}
	for (;;) {
		int ready = wait_for(connection, POLLOUT, deadline);
		ssize_t sent;

		if (ready < 0)
			return -1;
		if (ready == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		sent = sendmsg(connection, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent == (ssize_t)sizeof(*frame))
			return 0;
		if (sent >= 0) {
			errno = EPROTO;
			return -1;
		}
		if (errno != EINTR && errno != EAGAIN)
			return -1;
	}
}

static enum received judge(const struct frame *frame, ssize_t got, const struct msghdr *packet)
{
	if (got < (ssize_t)FRAME_HEAD || frame->magic != FRAME_MAGIC)
		return RECEIVED_ODD;
	if (frame->version != FRAME_VERSION)
		return RECEIVED_VERSION;
	if (got != (ssize_t)sizeof(*frame) || packet->msg_flags & MSG_TRUNC)
		return RECEIVED_ODD;
	return RECEIVED;
}

enum received frame_receive(int connection, struct frame *frame, int *fds, size_t room, size_t *count, int64_t deadline)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = {.iov_base = frame, .iov_len = sizeof(*frame)};
	struct msghdr packet;
	enum received received;
	bool fits;
	ssize_t got;

	*count = 0;
	memset(frame, 0, sizeof(*frame));
	do {
		int ready = wait_for(connection, POLLIN, deadline);

		if (ready <= 0)
			return ready == 0 ? RECEIVED_LATE : RECEIVED_ERROR;
		packet = (struct msghdr){
			.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
		got = recvmsg(connection, &packet, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		return errno == ECONNRESET ? RECEIVED_END : RECEIVED_ERROR;
	fits = take_fds(&packet, fds, room, count);
	if (got == 0)
		received = RECEIVED_END;
	else
		received = fits ? judge(frame, got, &packet) : RECEIVED_ODD;
	if (received != RECEIVED) {
		close_fds(fds, *count);
		*count = 0;
	}
	return received;
}
