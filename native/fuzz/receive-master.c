/* --attach (receive-master.c), with a peer that sends anything in the place of a terminal. */
#include "receive-master.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "support.h"

/* How many descriptors come, what they are, and in how many messages. */
#define CONTROL 3
#define FDS_MAX 8

const struct fuzz_layout fuzz_layout = {.control = CONTROL};

static void send_some(int connection, struct fuzz_input *input, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control = {0};
	uint8_t data[64];
	struct iovec part = {.iov_base = data, .iov_len = take_bytes(input, data, sizeof(data))};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

	if (part.iov_len == 0)
		return;
	if (count > 0) {
		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	MUST(sendmsg(connection, &packet, MSG_NOSIGNAL | MSG_DONTWAIT) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static int master, file;
	struct fuzz_input input = {bytes, size};
	size_t count = take_u8(&input) % (FDS_MAX + 1);
	uint8_t masters = take_u8(&input);
	int messages = 1 + take_u8(&input) % 3;
	int fds[FDS_MAX];
	int ends[2];
	int received;

	if (master == 0) {
		master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
		file = file_of("", 0);
	}
	for (size_t i = 0; i < count; i++)
		fds[i] = masters >> i & 1 ? master : file;
	fuzz_begin();
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	for (int i = 0; i < messages; i++)
		send_some(ends[0], &input, fds, count);
	close(ends[0]);
	received = receive_master(ends[1], "socket");
	MUST((received >= 0) == (said_count() == 0));
	if (received >= 0) {
		unsigned int number;

		MUST(ioctl(received, TIOCGPTN, &number) == 0 && fcntl(received, F_GETFD) & FD_CLOEXEC);
		/* One, and no other beside it. */
		MUST(count == 1);
		close(received);
	}
	close(ends[1]);
	fuzz_end();
	return 0;
}
