/*
 * A pair of sockets of which one end may go: 10 and 11, with "kept\n" in the queue of 11. Where an argument is "both",
 * "lost\n" is in the queue of 10; where one is "rights", a descriptor of the file "passed" is in the queue of 11, with
 * the byte "r"; where one is "seqpacket", the pair is of that type.
 *
 * SIGUSR1 reads from 11 and reports as "saw" what came, what was in a file that came along, and how it ended: "end" or
 * "waits". Then it writes to 11 and reports as "write" what became of that.
 */
#include "../../../fixtures/programs/task.h"
#include <sys/socket.h>

static void pass(int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec byte = { .iov_base = "r", .iov_len = 1 };
	struct msghdr message = { .msg_iov = &byte, .msg_iovlen = 1, .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *right = CMSG_FIRSTHDR(&message);

	right->cmsg_level = SOL_SOCKET;
	right->cmsg_type = SCM_RIGHTS;
	right->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(right), &fd, sizeof(fd));
	must(sendmsg(10, &message, 0));
}

/* Reads once; what was in a file that came along is read too. 0: the end. -1: nothing is there. */
static ssize_t receive(void)
{
	static char bytes[4096], control[256];
	struct iovec room = { .iov_base = bytes, .iov_len = sizeof(bytes) };
	struct msghdr message = { .msg_iov = &room, .msg_iovlen = 1, .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t count = recvmsg(11, &message, MSG_DONTWAIT);
	struct cmsghdr *right = count > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	int fd;

	if (count > 0)
		report("saw", bytes, count);
	if (right && right->cmsg_type == SCM_RIGHTS) {
		memcpy(&fd, CMSG_DATA(right), sizeof(fd));
		count = must(pread(fd, bytes, sizeof(bytes), 0));
		report("saw", bytes, count);
		close(fd);
	}
	return count;
}

static void act(int signal)
{
	const char *end;
	ssize_t count;

	if (signal != SIGUSR1)
		return;
	while ((count = receive()) > 0)
		;
	end = count == 0 ? "end" : "waits";
	report("saw", end, strlen(end));
	end = send(11, "x", 1, MSG_NOSIGNAL) == 1 ? "done" : strerrorname_np(errno);
	report("write", end, strlen(end));
}

static int has(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	int ends[2];

	begin();
	must(socketpair(AF_UNIX, has(argc, argv, "seqpacket") ? SOCK_SEQPACKET : SOCK_STREAM, 0, ends));
	place(ends[0], 10, 0);
	place(ends[1], 11, 0);
	if (write(10, "kept\n", 5) != 5 || (has(argc, argv, "both") && write(11, "lost\n", 5) != 5))
		_exit(1);
	if (has(argc, argv, "rights")) {
		int file = must(open("passed", O_RDWR | O_CREAT, 0644));

		if (write(file, "passed\n", 7) != 7)
			_exit(1);
		pass(file);
		close(file);
	}
	ready();
	serve_with(act);
}
