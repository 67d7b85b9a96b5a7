/*
 * One descriptor of each type that can come from the caller, and two that CRIU's own option serves, all of them used.
 *
 * 10 the directory "data", 11 the log "app.log", 12 the write end of a pipe of the caller, 13 a memfd "scratch", 14 an
 * eventfd, 15 a timerfd, 16 a signalfd, 17 an inotify, 18 a listening socket "app.sock", 19 and 20 a pair of sockets, 21 a
 * netlink socket, 22 an O_PATH descriptor of "data", 23 the FIFO "fifo". Of CRIU: 30 another pipe of the caller, 31 a
 * memfd "shared" that is mapped.
 *
 * SIGUSR1 writes to all of them. SIGUSR2 accepts at 18 and greets, and reads from 18's first connection and from 20.
 */
#include "../../../fixtures/programs/task.h"
#include <linux/netlink.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#define CONNECTION 40
#define SHARED_BYTES 4096

static char *shared;

static void say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		_exit(1);
}

static void write_everywhere(void)
{
	const uint64_t three = 3;
	int fd = must(openat(10, "records", O_WRONLY | O_CREAT | O_APPEND, 0644));

	say(fd, "directory\n");
	close(fd);
	fd = must(openat(22, "named", O_WRONLY | O_CREAT | O_APPEND, 0644));
	say(fd, "O_PATH\n");
	close(fd);
	say(11, "log\n");
	say(12, "pipe\n");
	say(13, "memfd\n");
	if (write(14, &three, sizeof(three)) != sizeof(three))
		_exit(1);
	say(19, "first end\n");
	say(20, "second end\n");
	say(23, "fifo\n");
	say(30, "pipe of CRIU\n");
	strcpy(shared, "mapped\n");
}

static void act(int signal)
{
	static const int readable[] = { CONNECTION, 20, END };

	if (signal == SIGUSR1) {
		write_everywhere();
		return;
	}
	if (fcntl(CONNECTION, F_GETFD) < 0) {
		place(accept(18, NULL, NULL), CONNECTION, 0);
		say(CONNECTION, "welcome\n");
	}
	read_all(readable);
}

static void listen_at(const char *path)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	strcpy(name.sun_path, path);
	place(socket(AF_UNIX, SOCK_STREAM, 0), 18, 0);
	must(bind(18, (struct sockaddr *)&name, sizeof(name)));
	must(listen(18, 4));
}

int main(void)
{
	sigset_t set;
	int ends[2];

	begin();
	must(mkdir("data", 0755));
	must(mkfifo("fifo", 0644));
	place(open("data", O_RDONLY | O_DIRECTORY), 10, 0);
	place(open("app.log", O_WRONLY | O_CREAT | O_APPEND, 0644), 11, 0);
	place(memfd_create("scratch", 0), 13, 0);
	place(eventfd(0, 0), 14, 0);
	place(timerfd_create(CLOCK_MONOTONIC, 0), 15, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	place(signalfd(-1, &set, 0), 16, 0);
	place(inotify_init1(0), 17, 0);
	listen_at("app.sock");
	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	place(ends[0], 19, 0);
	place(ends[1], 20, 0);
	place(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 21, 0);
	place(open("data", O_PATH), 22, 0);
	place(open("fifo", O_RDWR), 23, 0);
	place(memfd_create("shared", 0), 31, 0);
	must(ftruncate(31, SHARED_BYTES));
	shared = mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, 31, 0);
	if (shared == MAP_FAILED)
		_exit(1);
	ready();
	serve_with(act);
}
