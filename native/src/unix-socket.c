#include "unix-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define NOBODY 65534
/* A connection waits for its turn only while another one is served. */
#define CONNECT_SECONDS 25

static int make_name(struct sockaddr_un *address, int directory, const char *name)
{
	int length;

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	length = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", directory, name);
	if (length > 0 && (size_t)length < sizeof(address->sun_path))
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

bool unix_name_fits(int directory, const char *name)
{
	struct sockaddr_un address;

	return make_name(&address, directory, name) == 0;
}

/* Closes fd and keeps errno. */
static int give_up(int fd)
{
	int error = errno;

	close(fd);
	errno = error;
	return -1;
}

int unix_bind(int directory, const char *name, int type)
{
	struct sockaddr_un address;
	mode_t before;
	int fd, result;

	if (make_name(&address, directory, name))
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	/* It has mode 0600 from the start: by its path, it may be another file already. */
	before = umask(0177);
	result = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	umask(before);
	return result ? give_up(fd) : fd;
}

int unix_connect(int directory, const char *name, int type)
{
	struct timeval limit = {.tv_sec = CONNECT_SECONDS};
	struct sockaddr_un address;
	int fd;

	if (make_name(&address, directory, name))
		return -1;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return give_up(fd);
	return fd;
}

int unix_peer(int connection, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, peer, &size))
		return -1;
	if (size == sizeof(*peer))
		return 0;
	errno = EPROTO;
	return -1;
}

bool is_trusted(uid_t uid)
{
	return uid != NOBODY && (uid == 0 || uid == geteuid());
}
