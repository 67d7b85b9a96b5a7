/*
 * owner PID FD
 *
 * Prints who is told of I/O on a descriptor of another process, as "TYPE PID SIGNAL" (F_GETOWN_EX and F_GETSIG).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct f_owner_ex owner;
	int process, fd, signal;

	if (argc != 3)
		return 2;
	process = syscall(SYS_pidfd_open, atoi(argv[1]), 0);
	if (process < 0) {
		perror("pidfd_open");
		return 1;
	}
	fd = syscall(SYS_pidfd_getfd, process, atoi(argv[2]), 0);
	if (fd < 0) {
		perror("pidfd_getfd");
		return 1;
	}
	signal = fcntl(fd, F_GETSIG);
	if (fcntl(fd, F_GETOWN_EX, &owner) || signal < 0) {
		perror("fcntl");
		return 1;
	}
	return printf("%d %d %d\n", owner.type, owner.pid, signal) < 0;
}
