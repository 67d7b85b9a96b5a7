/*
 * place [--enter PID] [--session] [--bare] [--chdir DIR] [--namespaces LIST] [--first-id N] [--root DIR] [TO=FROM]…
 *       -- COMMAND…
 *
 * Runs COMMAND with exactly the descriptors that are named: its TO is this program's FROM, all others are closed.
 * FROM may also be null (/dev/null, one open file for all of them), read:PATH, write:PATH, append:PATH or
 * update:PATH (read and write): opened where COMMAND runs, because CRIU refuses files of another mount namespace.
 * Or pipe-read, pipe-write: that end of a new pipe, whose other end whoever wants it opens through /proc.
 *
 * --enter PID        in the pid and mount namespaces of PID, as a child of this program, which waits for it
 * --session          as leader of a session of its own
 * --bare             with an empty environment
 * --chdir DIR        in DIR
 * --namespaces LIST  in new namespaces: user, pid, mount, uts, ipc, net, by commas; with pid as process 1
 * --first-id N       in a new user namespace, 65536 ids are those from N on outside; without it there is root alone
 * --root DIR         with DIR as the root of its new mount namespace, and a /proc in it
 *
 * Ends as COMMAND does, by a signal too; 125 where it cannot be started.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PLACED 256

static struct {
	int to, from;
	const char *open; /* what to open, NULL where from is given */
} placed[MAX_PLACED];
static int placed_count;

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "place: %s: %s\n", what, strerror(errno));
	exit(125);
}

static void usage(const char *what)
{
	fprintf(stderr, "place: %s\n", what);
	exit(125);
}

/* As the command did: a shell sets its terminal back where a signal ended a job. */
static _Noreturn void die_of(int number)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)signal(number, SIG_DFL);
	(void)raise(number);
	_exit(128 + number);
}

/* The child goes on; the parent lets go of every descriptor, so that pipes see their end, and waits. */
static void go_on_in_child(void)
{
	int status;
	pid_t child = fork();

	check(child >= 0, "fork");
	if (child == 0)
		return;
	syscall(SYS_close_range, 0, ~0U, 0);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			_exit(125);
	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	die_of(WTERMSIG(status));
}

static void enter(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);

	check(fd >= 0, "pidfd_open");
	check(setns(fd, CLONE_NEWPID | CLONE_NEWNS) == 0, "setns");
	close(fd);
	go_on_in_child();
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	check(fd >= 0, path);
	check(write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static int namespace_flags(char *list)
{
	static const struct {
		const char *name;
		int flag;
	} known[] = {
		{ "user", CLONE_NEWUSER }, { "pid", CLONE_NEWPID }, { "mount", CLONE_NEWNS },
		{ "uts", CLONE_NEWUTS },   { "ipc", CLONE_NEWIPC }, { "net", CLONE_NEWNET },
	};
	int flags = 0;

	for (char *name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(known[i].name, name))
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			usage("unknown namespace: user, pid, mount, uts, ipc and net are known");
		flags |= known[i].flag;
	}
	return flags;
}

/* Only who has the capabilities in the namespace outside may map more than one id: a child that stays there. */
static void map_ids_from(const char *first)
{
	char map[64], path[64];
	int inside[2], status;
	pid_t parent = getpid(), child;
	char byte;

	snprintf(map, sizeof(map), "0 %s 65536", first);
	check(pipe2(inside, O_CLOEXEC) == 0, "pipe");
	child = fork();
	check(child >= 0, "fork");
	if (child == 0) {
		close(inside[1]);
		check(read(inside[0], &byte, 1) == 1, "waiting for the new user namespace");
		snprintf(path, sizeof(path), "/proc/%d/uid_map", parent);
		write_file(path, map);
		snprintf(path, sizeof(path), "/proc/%d/gid_map", parent);
		write_file(path, map);
		_exit(0);
	}
	check(unshare(CLONE_NEWUSER) == 0, "new user namespace");
	check(write(inside[1], "", 1) == 1, "telling of the new user namespace");
	close(inside[0]);
	close(inside[1]);
	check(waitpid(child, &status, 0) == child && status == 0, "mapping ids");
	check(setgroups(0, NULL) == 0 && setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0, "root of the new user namespace");
}

static void new_root(const char *root)
{
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "making mounts private");
	check(mount(root, root, NULL, MS_BIND, NULL) == 0, "binding the root");
	check(chdir(root) == 0, root);
	check(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0, "mounting proc in the root");
	check(syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
	check(umount2(".", MNT_DETACH) == 0, "leaving the old root");
	check(chdir("/") == 0, "/");
}

static int open_named(const char *source)
{
	static const struct {
		const char *prefix;
		int flags;
	} known[] = {
		{ "read:", O_RDONLY },
		{ "write:", O_WRONLY | O_CREAT },
		{ "append:", O_WRONLY | O_CREAT | O_APPEND },
		{ "update:", O_RDWR | O_CREAT },
	};
	static int null = -1;

	if (!strcmp(source, "pipe-read") || !strcmp(source, "pipe-write")) {
		int ends[2], wanted = strcmp(source, "pipe-read") != 0;

		check(pipe(ends) == 0, "pipe");
		close(ends[!wanted]);
		return ends[wanted];
	}
	if (!strcmp(source, "null")) {
		if (null < 0)
			null = open("/dev/null", O_RDWR);
		check(null >= 0, "/dev/null");
		return null;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t length = strlen(known[i].prefix);

		if (!strncmp(source, known[i].prefix, length)) {
			int fd = open(source + length, known[i].flags, 0644);

			check(fd >= 0, source);
			return fd;
		}
	}
	usage("a descriptor's source is a number, null, pipe-read, pipe-write, read:PATH, write:PATH, append:PATH or update:PATH");
	return -1;
}

static void put_descriptors(void)
{
	int above = 3;

	for (int i = 0; i < placed_count; i++)
		if (placed[i].to >= above)
			above = placed[i].to + 1;
	/* First out of each other's way, then to their numbers; stderr goes last, as messages use it. */
	for (int i = 0; i < placed_count; i++) {
		if (placed[i].open)
			placed[i].from = open_named(placed[i].open);
		placed[i].from = fcntl(placed[i].from, F_DUPFD_CLOEXEC, above);
		check(placed[i].from >= 0, "a descriptor to pass is not open");
	}
	for (int fd = 0; fd < above; fd++) {
		int from = -1;

		for (int i = 0; i < placed_count; i++)
			if (placed[i].to == fd)
				from = placed[i].from;
		if (from >= 0)
			check(dup2(from, fd) == fd, "dup2");
		else
			close(fd);
	}
	syscall(SYS_close_range, above, ~0U, 0);
}

static void read_placing(const char *argument)
{
	const char *from = strchr(argument, '=') + 1;

	placed[placed_count].to = atoi(argument);
	if (from[0] >= '0' && from[0] <= '9')
		placed[placed_count].from = atoi(from);
	else
		placed[placed_count].open = from;
	placed_count++;
}

int main(int argc, char **argv)
{
	const char *dir = NULL, *root = NULL, *first_id = NULL;
	int session = 0, bare = 0, flags = 0, i;
	pid_t box = 0;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (!strcmp(argv[i], "--session"))
			session = 1;
		else if (!strcmp(argv[i], "--bare"))
			bare = 1;
		else if (!strcmp(argv[i], "--enter") && i + 1 < argc)
			box = atoi(argv[++i]);
		else if (!strcmp(argv[i], "--chdir") && i + 1 < argc)
			dir = argv[++i];
		else if (!strcmp(argv[i], "--root") && i + 1 < argc)
			root = argv[++i];
		else if (!strcmp(argv[i], "--namespaces") && i + 1 < argc)
			flags = namespace_flags(argv[++i]);
		else if (!strcmp(argv[i], "--first-id") && i + 1 < argc)
			first_id = argv[++i];
		else if (strchr(argv[i], '=') && placed_count < MAX_PLACED)
			read_placing(argv[i]);
		else
			usage(argv[i]);
	}
	if (i + 1 >= argc)
		usage("no command: it stands after --");

	if (box)
		enter(box);
	if (flags & CLONE_NEWUSER && first_id) {
		map_ids_from(first_id);
	} else if (flags & CLONE_NEWUSER) {
		check(unshare(CLONE_NEWUSER) == 0, "new user namespace");
		write_file("/proc/self/setgroups", "deny");
		write_file("/proc/self/uid_map", "0 0 1");
		write_file("/proc/self/gid_map", "0 0 1");
	}
	if (flags & ~CLONE_NEWUSER)
		check(unshare(flags & ~CLONE_NEWUSER) == 0, "new namespaces");
	if (flags & CLONE_NEWPID)
		go_on_in_child();
	if (root)
		new_root(root);
	if (dir)
		check(chdir(dir) == 0, dir);
	if (session)
		check(setsid() >= 0, "setsid");
	if (bare)
		clearenv();
	put_descriptors();
	execvp(argv[i + 1], argv + i + 1);
	check(0, argv[i + 1]);
}
