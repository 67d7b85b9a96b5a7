/* samefile PID FD PID FD: exits 0 where both descriptors are one open file (kcmp(2)), 1 where they are not. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	long answer;

	if (argc != 5) {
		fprintf(stderr, "usage: samefile PID FD PID FD\n");
		return 2;
	}
	answer = syscall(SYS_kcmp, atoi(argv[1]), atoi(argv[3]), KCMP_FILE, atol(argv[2]), atol(argv[4]));
	if (answer < 0) {
		fprintf(stderr, "samefile: kcmp: %s\n", strerror(errno));
		return 2;
	}
	return answer ? 1 : 0;
}
