#include "clear-fork.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"

/* A number of the checkpoint is passed by after at most this many more forks than the checkpoint has. */
#define MORE_FORKS 256

static pid_t fork_sibling(void)
{
#ifdef __s390__
	return (pid_t)syscall(SYS_clone, 0UL, (unsigned long)(CLONE_PARENT | SIGCHLD), 0UL, 0UL, 0UL);
#else
	return (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_PARENT | SIGCHLD), 0UL, 0UL, 0UL, 0UL);
#endif
}

static pid_t fork_by(pid_t (*how)(void), const struct dump_pids *pids)
{
	for (size_t tries = pids->count + MORE_FORKS; tries > 0; tries--) {
		pid_t pid = how();

		if (pid < 0) {
			message("cannot fork: %s", cause_of(errno));
			return -1;
		}
		if (pid == 0) {
			if (dump_pids_have(pids, (uint32_t)getpid()))
				_exit(0);
			return 0;
		}
		if (!dump_pids_have(pids, (uint32_t)pid))
			return pid;
		/* ECHILD: it is the parent's. */
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	message("cannot find a pid that the checkpoint does not need");
	return -1;
}

pid_t fork_clear_of(const struct dump_pids *pids)
{
	return fork_by(fork, pids);
}

pid_t fork_sibling_clear_of(const struct dump_pids *pids)
{
	return fork_by(fork_sibling, pids);
}
