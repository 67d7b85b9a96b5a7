/* Preloaded: as somebody who may write to the directory of a socket, puts a link to $SWAP_TARGET in its place at once. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	int (*real)(int, __CONST_SOCKADDR_ARG, socklen_t) = (int (*)(int, __CONST_SOCKADDR_ARG, socklen_t))dlsym(RTLD_NEXT, "bind");
	const char *path = address.__sockaddr_un__->sun_path;
	const char *target = getenv("SWAP_TARGET");
	int result = real(fd, address, size);

	if (result == 0 && target && (unlink(path) || symlink(target, path)))
		return -1;
	return result;
}
