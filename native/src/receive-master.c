#include "receive-master.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "message.h"
#include "offer.h"
#include "take-fds.h"

static bool is_master(int fd)
{
	unsigned int number;

	return ioctl(fd, TIOCGPTN, &number) == 0;
}

int receive_master(int connection, const char *shown_path)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char name[TERMINAL_NAME_MAX];
	struct iovec data = {.iov_base = name, .iov_len = sizeof(name)};
	struct msghdr whole = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
	size_t count = 0;
	ssize_t got;
	bool fits;
	int fd;

	do
		got = recvmsg(connection, &whole, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0) {
		message("--attach %s: the other end is gone: %s", shown_path,
			got < 0 ? cause_of(errno) : "somebody else has the terminal, or the restore has ended");
		return -1;
	}
	fits = take_fds(&whole, &fd, 1, &count);
	if (count == 1 && fits && is_master(fd) && fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0)
		return fd;
	message("--attach %s: what came is not one master of a terminal", shown_path);
	close_fds(&fd, count);
	return -1;
}
