/*
 * Plays CRIU for the plugin: exports what CRIU exports, loads the plugin, runs init, the hook and exit.
 *
 *   host PLUGIN IMAGE_DIRECTORY STAGE [STEP…]
 *
 * PLUGIN may be a directory of plugins, as in CRIU_LIBS_DIR: all are loaded, and the first that answers a hook is heard.
 *
 * Steps between init and exit: FILE_ID calls the hook for files; late calls RESUME_DEVICES_LATE for a task of its own and
 * says what became of that; fail makes CRIU's restore one that failed; count=FD says how many bytes wait in a pipe, its
 * size and its flags; put=FD:TEXT writes; size=FD:BYTES sizes a pipe; empty=PATH makes a file empty; seal=FD seals
 * one against shrinking; drain=FD:FILE reads what is there into a file; end=FD says whether a read would wait; drop closes
 * what was stored, as CRIU does at its end; child says whether there is any child process, living or not; session=PID
 * has a task of that pid lead a session, and says whether it and a child of its own have /dev/tty; environment=NAME says
 * what a variable is; update=NAME and read=NAME open an image as CRIU does, with auto-dedup and without it, parent=NAME one of
 * the previous dump with it, make=NAME makes one; die is the end of a CRIU
 * that somebody kills.
 *
 * Built plainly it is a CRIU up to 4.2, with -DWITH_OPTIONS one from 4.3 on, with -DWITHOUT_STORE one that lacks
 * inherit_fd_add, with -DWITHOUT_SETSID one that leads sessions by the system call itself. Writes a line for each step on stdout: the descriptor's values, what was stored, what each hook call
 * answered (what the descriptor is open on, its flags and offset).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct descriptor {
	const char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int result);
	unsigned int version;
	unsigned int max_hooks;
	void *hooks[];
};

#define RESTORE_EXT_FILE 3
#define RESUME_DEVICES_LATE 9
#define PLUGINS_MAX 8
#define STORED_MAX 8192
/* glibc's O_LARGEFILE is 0 where every file is large; the kernel's is set all the same. */
#define KERNEL_O_LARGEFILE 0100000u

static int image_directory = -1;
static struct {
	int fd;
	char *key;
} stored[STORED_MAX];
static size_t stored_count;
static struct {
	void *library;
	struct descriptor *descriptor;
} plugins[PLUGINS_MAX];
static size_t plugin_count;

int criu_get_image_dir(void);
void print_on_level(unsigned int level, const char *format, ...);
int inherit_fd_add(int fd, char *key);
int inherit_fd_lookup_id(char *key);
int criu_plugin_get_options(int *count, char ***options);

int criu_get_image_dir(void)
{
	return image_directory;
}

void print_on_level(unsigned int level, const char *format, ...)
{
	va_list arguments;

	printf("log %u ", level);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

#ifndef WITHOUT_STORE
int inherit_fd_add(int fd, char *key)
{
	if (stored_count == STORED_MAX)
		return -1;
	printf("stored %s\n", key);
	stored[stored_count].fd = fd;
	stored[stored_count++].key = key;
	return 0;
}
#endif

int inherit_fd_lookup_id(char *key)
{
	for (size_t i = 0; i < stored_count; i++)
		if (strcmp(stored[i].key, key) == 0)
			return dup(stored[i].fd);
	return -1;
}

#ifdef WITH_OPTIONS
int criu_plugin_get_options(int *count, char ***options)
{
	(void)count;
	(void)options;
	abort();
}
#endif

static bool load(const char *path)
{
	void *library = dlopen(path, RTLD_LAZY);
	struct descriptor *descriptor = library ? dlsym(library, "CR_PLUGIN_DESC") : NULL;

	if (!descriptor || plugin_count == PLUGINS_MAX) {
		printf("dlopen: %s\n", dlerror());
		return false;
	}
	plugins[plugin_count].library = library;
	plugins[plugin_count++].descriptor = descriptor;
	printf("descriptor %s %x %u\n", descriptor->name, descriptor->version, descriptor->max_hooks);
	for (unsigned int i = 0; i < descriptor->max_hooks; i++)
		if (descriptor->hooks[i])
			printf("has hook %u\n", i);
	return true;
}

static int is_plugin(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length >= 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

/* One plugin, or all of a directory. */
static bool load_all(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_plugin, alphasort);
	char plugin[4096];

	if (count < 0)
		return load(path);
	for (int i = 0; i < count; i++) {
		snprintf(plugin, sizeof(plugin), "%s/%s", path, entries[i]->d_name);
		if (!load(plugin))
			return false;
		free(entries[i]);
	}
	free(entries);
	return true;
}

static void *hook_of(size_t plugin, unsigned int hook)
{
	struct descriptor *descriptor = plugins[plugin].descriptor;

	return hook < descriptor->max_hooks ? descriptor->hooks[hook] : NULL;
}

static void call_hook(int id)
{
	/* Neither true nor false, and a neighbour on each side that has to stay. */
	unsigned char around[3] = {0xa5, 0xa5, 0xa5};
	char path[64], link[4096];
	ssize_t length;
	int fd = -ENOTSUP;

	/* A CRIU up to 4.2 leaves in the second register whatever was there: here, a place that must not be written to. */
	for (size_t i = 0; fd == -ENOTSUP && i < plugin_count; i++)
		if (hook_of(i, RESTORE_EXT_FILE))
			fd = ((int (*)(int, bool *))hook_of(i, RESTORE_EXT_FILE))(id, (bool *)&around[1]);
	printf("hook %d retry %02x %s ", id, around[1], around[0] == 0xa5 && around[2] == 0xa5 ? "clean" : "smashed");
	if (fd < 0) {
		printf("error %s\n", fd == -ENOTSUP ? "ENOTSUP" : strerror(-fd));
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	length = readlink(path, link, sizeof(link) - 1);
	link[length < 0 ? 0 : length] = '\0';
	printf("fd %s flags %o offset %lld\n", link, (unsigned int)fcntl(fd, F_GETFL) & ~KERNEL_O_LARGEFILE,
	       (long long)lseek(fd, 0, SEEK_CUR));
	/* As a restored task would: what is written here has to come out at the caller's end. */
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY && dprintf(fd, "<%d>", id) < 0)
		printf("cannot write: %s\n", strerror(errno));
	close(fd);
}

/* The task ends by whichever signal comes first. */
static void call_late_hook(void)
{
	pid_t task = fork();
	int status = 0, answer = -ENOTSUP;

	if (task == 0)
		for (;;)
			pause();
	for (size_t i = 0; answer == -ENOTSUP && i < plugin_count; i++)
		if (hook_of(i, RESUME_DEVICES_LATE))
			answer = ((int (*)(int))hook_of(i, RESUME_DEVICES_LATE))(task);
	kill(task, SIGTERM);
	waitpid(task, &status, 0);
	printf("late %s, the task %s\n", answer == -ENOTSUP ? "ENOTSUP" : answer < 0 ? "failed" : "taken",
	       WTERMSIG(status) == SIGKILL ? "was killed" : "lives");
}

#ifdef WITHOUT_SETSID
#define setsid() ((pid_t)syscall(SYS_setsid))
#endif

static const char *own_terminal(void)
{
	int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return strerror(errno);
	close(fd);
	return "open";
}

/* As restore_sid() of CRIU does, ahead of the children. */
static void lead_session(void)
{
	if (setsid() != getpid()) {
		printf("no session: %s\n", strerror(errno));
		_exit(1);
	}
	printf("leader: /dev/tty %s\n", own_terminal());
	if (fork() == 0) {
		printf("child: /dev/tty %s\n", own_terminal());
		_exit(0);
	}
	wait(NULL);
	_exit(0);
}

static void call_setsid(int pid)
{
	FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");
	pid_t task;

	if (!last || fprintf(last, "%d", pid - 1) < 0 || fclose(last)) {
		printf("no pid: %s\n", strerror(errno));
		return;
	}
	task = fork();
	if (task == 0)
		lead_session();
	waitpid(task, NULL, 0);
	if (task != pid)
		printf("pid %d\n", task);
}

/* Mode 0640 if it is made. */
static void open_image(int directory, const char *name, int flags)
{
	int fd = openat(directory, name, flags | O_CLOEXEC, 0640);
	struct stat status;

	if (fd < 0 || fstat(fd, &status))
		printf("%s: %s\n", name, strerror(errno));
	else
		printf("%s: open, mode %o, access %d\n", name, (unsigned int)status.st_mode & 07777, fcntl(fd, F_GETFL) & O_ACCMODE);
	if (fd >= 0)
		close(fd);
}

static bool open_as_criu(const char *word)
{
	if (strncmp(word, "update=", 7) == 0) {
		open_image(image_directory, word + 7, O_RDWR);
	} else if (strncmp(word, "read=", 5) == 0) {
		open_image(image_directory, word + 5, O_RDONLY);
	} else if (strncmp(word, "make=", 5) == 0) {
		open_image(image_directory, word + 5, O_RDWR | O_CREAT | O_EXCL);
	} else if (strncmp(word, "parent=", 7) == 0) {
		int parent = openat(image_directory, "parent", O_RDONLY | O_CLOEXEC);

		open_image(parent, word + 7, O_RDWR);
		close(parent);
	} else {
		return false;
	}
	return true;
}

static void drain(int fd, const char *path)
{
	static char bytes[1 << 16];
	int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ssize_t length;

	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	while ((length = read(fd, bytes, sizeof(bytes))) > 0)
		if (write(file, bytes, (size_t)length) != length)
			abort();
	close(file);
}

/* Says what RESULT CRIU's restore has then. */
static int step(const char *word, int result)
{
	const char *equals = strchr(word, '=');
	int fd = equals ? atoi(equals + 1) : -1;
	const char *colon = equals ? strchr(equals, ':') : NULL;
	char byte;

	if (open_as_criu(word)) {
		return result;
	} else if (strcmp(word, "late") == 0) {
		call_late_hook();
	} else if (strcmp(word, "fail") == 0) {
		return -1;
	} else if (strncmp(word, "count=", 6) == 0) {
		int count = -1;

		ioctl(fd, FIONREAD, &count);
		printf("%d has %d of %d, flags %o\n", fd, count, fcntl(fd, F_GETPIPE_SZ),
		       (unsigned int)fcntl(fd, F_GETFL) & ~KERNEL_O_LARGEFILE);
	} else if (strncmp(word, "put=", 4) == 0 && colon) {
		if (write(fd, colon + 1, strlen(colon + 1)) < 0)
			printf("cannot write: %s\n", strerror(errno));
	} else if (strncmp(word, "size=", 5) == 0 && colon) {
		fcntl(fd, F_SETPIPE_SZ, atoi(colon + 1));
	} else if (strncmp(word, "drain=", 6) == 0 && colon) {
		drain(fd, colon + 1);
	} else if (strncmp(word, "empty=", 6) == 0) {
		if (truncate(word + 6, 0))
			printf("cannot empty: %s\n", strerror(errno));
	} else if (strncmp(word, "seal=", 5) == 0) {
		if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
			printf("cannot seal: %s\n", strerror(errno));
	} else if (strncmp(word, "environment=", 12) == 0) {
		printf("environment %s\n", getenv(word + 12) ? getenv(word + 12) : "unset");
	} else if (strcmp(word, "drop") == 0) {
		while (stored_count > 0)
			close(stored[--stored_count].fd);
	} else if (strncmp(word, "session=", 8) == 0) {
		call_setsid(fd);
	} else if (strcmp(word, "die") == 0) {
		raise(SIGKILL);
	} else if (strcmp(word, "child") == 0) {
		printf("child %s\n", waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? "none" : "some");
	} else if (strncmp(word, "end=", 4) == 0) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
		printf("%d %s\n", fd, read(fd, &byte, 1) == 0 ? "is at its end" : "waits");
	} else {
		call_hook(atoi(word));
	}
	return result;
}

static void list_fds(const char *when)
{
	DIR *stream = opendir("/proc/self/fd");
	struct dirent *entry;

	printf("open %s", when);
	while (stream && (entry = readdir(stream)) != NULL)
		if (atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(stream) && atoi(entry->d_name) != image_directory) {
			bool of_store = false;

			for (size_t i = 0; i < stored_count; i++)
				of_store = of_store || stored[i].fd == atoi(entry->d_name);
			if (!of_store)
				printf(" %s", entry->d_name);
		}
	printf("\n");
	closedir(stream);
}

int main(int argc, char **argv)
{
	int stage, opened, result = 0;
	size_t started = 0;

	if (argc < 4)
		return 2;
	setvbuf(stdout, NULL, _IONBF, 0);
	/* At the number where CRIU's would not be in anyone's way either. */
	opened = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	image_directory = fcntl(opened, F_DUPFD_CLOEXEC, 200);
	if (opened < 0 || image_directory < 0)
		return 2;
	close(opened);
	stage = atoi(argv[3]);
	if (!load_all(argv[1]))
		return 3;
	while (result == 0 && started < plugin_count)
		result = plugins[started++].descriptor->init(stage);
	printf("init %d\n", result);
	printf("variable %s\n", getenv("FDGRAFT_SOCKET") ? "set" : "unset");
	list_fds("after-init");
	if (result == 0) {
		int restored = 0;

		for (int i = 4; i < argc; i++)
			restored = step(argv[i], restored);
		list_fds("before-exit");
		for (size_t i = 0; i < plugin_count; i++)
			plugins[i].descriptor->exit(stage, restored);
		printf("exit\n");
	}
	for (size_t i = 0; i < plugin_count; i++)
		dlclose(plugins[i].library);
	for (size_t i = 0; i < stored_count; i++)
		close(stored[i].fd);
	/* The code of a plugin is gone now. */
	for (int i = 4; i < argc; i++)
		if (strncmp(argv[i], "session=", 8) == 0)
			call_setsid(atoi(argv[i] + 8) + 100);
		else
			(void)open_as_criu(argv[i]);
	return result ? 1 : 0;
}
