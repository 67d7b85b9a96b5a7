/*
 * reopens uid|fsuid UID GID [GROUP…]
 *
 * A service that gave up being root, and opens its output by its path, as `echo >/dev/stdout` of a shell does.
 * fsuid: for access to files alone, as servers of files do; not every CRIU without CAP_SYS_RESOURCE dumps the other.
 *
 * 1: the caller's
 * SIGUSR1 opens /proc/self/fd/1 for writing and reports "ok\n", or the number of the error, as read.PID.reopen;
 * where it could, it writes "task 1\n" there
 */
#include "../../../fixtures/programs/task.h"

#include <grp.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void reopen(int signal)
{
	char text[16];
	int fd;

	if (signal != SIGUSR1)
		return;
	fd = open("/proc/self/fd/1", O_WRONLY | O_CLOEXEC);
	if (fd < 0) {
		report("reopen", text, snprintf(text, sizeof(text), "%d\n", errno));
		return;
	}
	report("reopen", "ok\n", 3);
	if (write(fd, "task 1\n", 7) != 7)
		_exit(1);
	close(fd);
}

int main(int argc, char **argv)
{
	gid_t groups[8];
	int count = 0;
	uid_t uid;
	gid_t gid;

	if (argc < 4)
		return 2;
	begin();
	uid = atoi(argv[2]);
	gid = atoi(argv[3]);
	for (int i = 4; i < argc && count < 8; i++)
		groups[count++] = atoi(argv[i]);
	/* Its reports go into the working directory, and its output is its own, as a runtime sees to. */
	must(chown(".", uid, gid));
	must(fchown(1, uid, gid));
	must(setgroups(count, groups));
	if (!strcmp(argv[1], "fsuid")) {
		setfsgid(gid);
		setfsuid(uid);
	} else {
		must(setresgid(gid, gid, gid));
		must(setresuid(uid, uid, uid));
	}
	must(prctl(PR_SET_DUMPABLE, 1));
	ready();
	serve_with(reopen);
}
