/*
 * box FIRST_PID
 *
 * Holds a pid and a mount namespace of their own, with their own /proc, for as long as it lives: whatever
 * runs in them dies with it, so a failed test leaves neither processes nor mounts behind. Writes the pid of
 * the namespace's init, as its caller sees it, to stdout. Pids handed out inside begin with FIRST_PID.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "box: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void be_init(int first_pid, int ready)
{
	sigset_t child_ends;
	char number[16];
	int fd;

	sigemptyset(&child_ends);
	sigaddset(&child_ends, SIGCHLD);
	check(sigprocmask(SIG_BLOCK, &child_ends, NULL) == 0, "sigprocmask");
	check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "PR_SET_PDEATHSIG");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "making mounts private");
	check(mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0, "mounting /proc");
	if (first_pid > 0) {
		/* The kernel counts on from the last pid; only a task of this namespace may set it. */
		snprintf(number, sizeof(number), "%d", first_pid - 1);
		fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
		check(fd >= 0, "/proc/sys/kernel/ns_last_pid");
		check(write(fd, number, strlen(number)) == (ssize_t)strlen(number), "setting the last pid");
		close(fd);
	}
	check(write(ready, "", 1) == 1, "telling readiness");
	close(ready);
	close(0);
	close(1);
	close(2);
	/* Restored tasks whose parent is gone become children of this one. */
	for (;;) {
		sigwaitinfo(&child_ends, NULL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

int main(int argc, char **argv)
{
	int ready[2];
	pid_t init;
	char byte;

	if (argc != 2) {
		fprintf(stderr, "usage: box FIRST_PID (0: from the beginning)\n");
		return 2;
	}
	/* The parent is a thread of node: when it ends, by whatever reason, all of this does. */
	check(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "PR_SET_PDEATHSIG");
	check(unshare(CLONE_NEWPID | CLONE_NEWNS) == 0, "new namespaces");
	check(pipe2(ready, O_CLOEXEC) == 0, "pipe");
	init = fork();
	check(init >= 0, "fork");
	if (init == 0) {
		close(ready[0]);
		be_init(atoi(argv[1]), ready[1]);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		return 1;
	printf("%d\n", init);
	fflush(stdout);
	while (waitpid(init, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}
