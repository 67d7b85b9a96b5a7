#include "take-fds.h"

#include <string.h>
#include <unistd.h>

void close_fds(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

bool take_fds(struct msghdr *message, int *fds, size_t room, size_t *count)
{
	bool fits = !(message->msg_flags & MSG_CTRUNC);

	for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
		size_t bytes = header->cmsg_len - CMSG_LEN(0);

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
			fits = false;
			continue;
		}
		for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
			int fd;

			memcpy(&fd, CMSG_DATA(header) + at, sizeof(fd));
			if (*count < room) {
				fds[(*count)++] = fd;
				continue;
			}
			close(fd);
			fits = false;
		}
	}
	return fits;
}
