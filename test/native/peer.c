/*
 * Plays one side of the hand-over, word for word, and says what the other side does.
 *
 *   peer client STEP…        connects to the socket that FDGRAFT_SOCKET names
 *   peer server DIRECTORY STEP… makes DIRECTORY/socket, says `listening` and takes one connection
 *
 * First steps: as=UID (that user from then on, but for access to files); steps: hello, offer=COUNT, refused=REASON,
 * want=FIRST, fds=FIRST:COUNT:NUMBER:SENT (numbers from NUMBER on, SENT descriptors of /dev/null), done, end, named=NAME:SENT
 * (an end with a name) send a frame; the next frame is of another version after version=N, with another magic after
 * magic=N, cut or lengthened after size=BYTES, and hello has a wrong digest after plan. rights sends a descriptor with the
 * next frame. read says what comes; pid says who the peer is; wait=MS; close ends the connection and begins a new one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../native/src/frames.h"

static struct frame next;
static size_t next_size;
static size_t extra_fds;
static int wrong_plan;

static void fail(const char *what)
{
	fprintf(stderr, "peer: %s: %s\n", what, strerror(errno));
	exit(99);
}

static int open_socket(struct sockaddr_un *address, const char *directory)
{
	int opened = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (opened < 0 || fd < 0)
		fail(directory);
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/socket", opened);
	return fd;
}

static void reset(void)
{
	memset(&next, 0, sizeof(next));
	next.magic = FRAME_MAGIC;
	next.version = FRAME_VERSION;
	next_size = sizeof(next);
	extra_fds = 0;
	wrong_plan = 0;
}

static void send_next(int connection, size_t fds)
{
	static union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
	} control;
	static char bytes[1 << 16];
	struct iovec part = {.iov_base = bytes, .iov_len = next_size};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	size_t count = fds + extra_fds;

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &next, sizeof(next));
	if (count > 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++)
			memcpy(CMSG_DATA(&control.header) + i * sizeof(int), &null, sizeof(null));
	}
	if (sendmsg(connection, &packet, MSG_NOSIGNAL) < 0)
		printf("cannot send: %s\n", strerror(errno));
	reset();
}

static void read_frame(int connection)
{
	struct frame frame = {0};
	struct iovec part = {.iov_base = &frame, .iov_len = sizeof(frame)};
	static char control[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))] __attribute__((aligned(8)));
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	ssize_t got = recvmsg(connection, &packet, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&packet) : NULL;
	size_t fds = header ? (header->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

	for (size_t i = 0; i < fds; i++) {
		int fd;

		memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
		close(fd);
	}
	if (got <= 0)
		printf("%s\n", got == 0 || errno == ECONNRESET ? "closed" : strerror(errno));
	else
		printf("frame kind %u version %u reason %u first %u count %u number %u fds %zu\n", frame.kind, frame.version,
		       frame.reason, frame.first, frame.count, frame.kind == FRAME_FDS ? frame.numbers[0] : 0, fds);
}

static void read_digest(void)
{
	const char *text = getenv("FDGRAFT_SOCKET");

	for (size_t i = 0; text && i < SHA256_SIZE; i++) {
		unsigned int byte = 0;

		sscanf(text + 2 * i, "%2x", &byte);
		next.digest[i] = (unsigned char)byte;
	}
	if (wrong_plan)
		next.digest[31] ^= 1;
}

static long long value_of(const char *word)
{
	const char *equals = strchr(word, '=');

	return equals ? strtoll(equals + 1, NULL, 0) : 0;
}

/* 1: the connection is to be made again. */
static int step(int connection, const char *word)
{
	unsigned int first = 0, count = 0, number = 0, sent = 0;
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);
	char name[64] = "";

	if (strncmp(word, "version=", 8) == 0) {
		next.version = (uint32_t)value_of(word);
	} else if (strncmp(word, "magic=", 6) == 0) {
		next.magic = (uint32_t)value_of(word);
	} else if (strncmp(word, "size=", 5) == 0) {
		next_size = (size_t)value_of(word);
	} else if (strcmp(word, "plan") == 0) {
		wrong_plan = 1;
	} else if (strcmp(word, "rights") == 0) {
		extra_fds = 1;
	} else if (strcmp(word, "hello") == 0) {
		next.kind = FRAME_HELLO;
		read_digest();
		send_next(connection, 0);
	} else if (strncmp(word, "offer=", 6) == 0) {
		next.kind = FRAME_OFFER;
		next.count = (uint32_t)value_of(word);
		send_next(connection, 0);
	} else if (strncmp(word, "refused=", 8) == 0) {
		next.kind = FRAME_REFUSED;
		next.reason = (uint32_t)value_of(word);
		send_next(connection, 0);
	} else if (strncmp(word, "want=", 5) == 0) {
		next.kind = FRAME_WANT;
		next.first = (uint32_t)value_of(word);
		send_next(connection, 0);
	} else if (sscanf(word, "fds=%u:%u:%u:%u", &first, &count, &number, &sent) == 4) {
		next.kind = FRAME_FDS;
		next.first = first;
		next.count = count;
		for (uint32_t i = 0; i < count && i < FRAME_FDS_MAX; i++)
			next.numbers[i] = number + i;
		send_next(connection, sent);
	} else if (strcmp(word, "done") == 0) {
		next.kind = FRAME_DONE;
		send_next(connection, 0);
	} else if (strcmp(word, "end") == 0) {
		next.kind = FRAME_END;
		send_next(connection, 0);
	} else if (sscanf(word, "named=%63[^:]:%u", name, &sent) == 2) {
		next.kind = FRAME_END;
		memset(next.name, 'x', sizeof(next.name));
		memcpy(next.name, name, strlen(name) < sizeof(next.name) ? strlen(name) + 1 : sizeof(next.name));
		send_next(connection, sent);
	} else if (strcmp(word, "read") == 0) {
		read_frame(connection);
	} else if (strcmp(word, "pid") == 0) {
		if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size))
			fail(word);
		printf("%d\n", (int)peer.pid);
	} else if (strncmp(word, "wait=", 5) == 0) {
		usleep((useconds_t)value_of(word) * 1000);
	} else if (strcmp(word, "close") == 0) {
		close(connection);
		return 1;
	} else {
		errno = EINVAL;
		fail(word);
	}
	return 0;
}

static void become(uid_t user)
{
	if (seteuid(user))
		fail("seteuid");
	/* The files are still root's to open. */
	setfsuid(0);
}

static int connect_to(const char *directory)
{
	struct sockaddr_un address;
	int fd = open_socket(&address, directory);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_un address;
	char *directory = NULL;
	int connection = -1;
	int listener = -1;
	int i = 2;

	setvbuf(stdout, NULL, _IONBF, 0);
	reset();
	if (argc > 2 && strcmp(argv[1], "server") == 0) {
		directory = argv[i++];
		listener = open_socket(&address, directory);
	} else if (getenv("FDGRAFT_SOCKET")) {
		directory = strdup(getenv("FDGRAFT_SOCKET") + SHA256_HEX + 1);
		*strrchr(directory, '/') = '\0';
	} else {
		return 2;
	}
	if (listener >= 0 && bind(listener, (struct sockaddr *)&address, sizeof(address)))
		fail("bind");
	if (i < argc && strncmp(argv[i], "as=", 3) == 0)
		become((uid_t)value_of(argv[i++]));
	if (listener >= 0) {
		if (listen(listener, 1))
			fail("listen");
		printf("listening\n");
		connection = accept(listener, NULL, NULL);
	}
	for (; i < argc; i++) {
		if (connection < 0)
			connection = connect_to(directory);
		if (step(connection, argv[i]))
			connection = -1;
	}
	return 0;
}
