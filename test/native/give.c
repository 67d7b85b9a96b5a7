/*
 * Opens odd things at given numbers, then runs a command: what a shell cannot redirect to.
 *
 *   give N=KIND[:ARGUMENT]… -- COMMAND…
 *
 * closed; kept (what this process got at N); file:FLAGS:PATH (FLAGS octal, as in <fcntl.h>); dup:M; seek:OFFSET (of what is at N already); pipe:M (read end at
 * N, write end at M); fill (makes the pipe at N full); put:TEXT (into what is at N already); size:BYTES (of the pipe at N); eventfd; timerfd; signalfd;
 * inotify; pidfd (of this process); epoll; ptmx; socket; a socket of a kind and what it does: unix:listen:PATH, unix:connect:PATH,
 * unix:datagram:PATH (bound), inet:listen:PORT, inet:connect:PORT, inet:datagram:PORT (all at 127.0.0.1), datagrams:M (a pair, at N and M), netlink, packet; unconnected (a unix stream socket); shut:read and shut:write (of what is at N already); memfd; memfd-huge; memfd-secret; length:BYTES, seal (against shrinking), seal-writes, seal-later-writes and seal-growth (of what is at N already);
 * pty:M, pty-read:M, pty-write:M (a terminal at N, its master at M); own (what is at N becomes the controlling terminal of a session of ours), held (of another session, until COMMAND ends); nonblock and async (of what is at
 * N already); limit and soft-limit (no descriptor: N is RLIMIT_NOFILE); subreaper (no descriptor: orphans become its children)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

/* Larger ones are never kept. */
#define NUMBERS_KEPT 512

static void fail(const char *word)
{
	fprintf(stderr, "give: %s: %s\n", word, strerror(errno));
	exit(99);
}

static void put(int fd, int number, const char *word)
{
	if (fd < 0)
		fail(word);
	if (fd == number)
		return;
	if (dup2(fd, number) < 0)
		fail(word);
	close(fd);
}

static void pipe_at(int reader, int writer, const char *word)
{
	int ends[2];

	if (pipe(ends))
		fail(word);
	/* Out of the way of both numbers first. */
	put(fcntl(ends[0], F_DUPFD, 300), 298, word);
	put(fcntl(ends[1], F_DUPFD, 300), 299, word);
	close(ends[0]);
	close(ends[1]);
	put(298, reader, word);
	put(299, writer, word);
}

static void fill(int number, const char *word)
{
	char block[4096] = {0};
	int flags = fcntl(number, F_GETFL);

	if (flags < 0 || fcntl(number, F_SETFL, flags | O_NONBLOCK))
		fail(word);
	while (write(number, block, sizeof(block)) > 0)
		;
	if (fcntl(number, F_SETFL, flags))
		fail(word);
}

static int bound(int fd, const struct sockaddr *address, socklen_t length, const char *what)
{
	if (fd < 0)
		return -1;
	if (strcmp(what, "connect") == 0)
		return connect(fd, address, length) ? -1 : fd;
	if (bind(fd, address, length) || (strcmp(what, "listen") == 0 && listen(fd, 8)))
		return -1;
	return fd;
}

/* DOMAIN:WHAT:WHERE */
static int named_socket(const char *kind)
{
	struct sockaddr_un path = {.sun_family = AF_UNIX};
	struct sockaddr_in port = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char domain[8], what[16], where[sizeof(path.sun_path)];
	int type;

	if (sscanf(kind, "%7[a-z]:%15[a-z]:%107s", domain, what, where) != 3) {
		errno = EINVAL;
		return -1;
	}
	type = strcmp(what, "datagram") == 0 ? SOCK_DGRAM : SOCK_STREAM;
	if (strcmp(domain, "unix") == 0) {
		strcpy(path.sun_path, where);
		return bound(socket(AF_UNIX, type, 0), (struct sockaddr *)&path, sizeof(path), what);
	}
	port.sin_port = htons((uint16_t)atoi(where));
	return bound(socket(AF_INET, type, 0), (struct sockaddr *)&port, sizeof(port), what);
}

/* The terminal at N, its master at M. */
static void pty_at(int flags, int number, int master_number, const char *word)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	int unlocked = 0, terminal;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked))
		fail(word);
	terminal = ioctl(master, TIOCGPTPEER, flags | O_NOCTTY);
	if (terminal < 0)
		fail(word);
	put(fcntl(terminal, F_DUPFD, 300), 298, word);
	put(fcntl(master, F_DUPFD, 300), 299, word);
	close(terminal);
	close(master);
	put(298, number, word);
	put(299, master_number, word);
}

static void lead_session(int terminal, const char *word)
{
	if (setsid() < 0 || ioctl(terminal, TIOCSCTTY, 0))
		fail(word);
}

/* Another process does it, and has the terminal as stdin as a shell would. */
static void hold_terminal(int terminal, const char *word)
{
	int ready[2];
	char byte;

	if (pipe(ready))
		fail(word);
	switch (fork()) {
	case -1:
		fail(word);
		return;
	case 0:
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) || dup2(terminal, 0) < 0)
			fail(word);
		lead_session(0, word);
		close(ready[0]);
		close(ready[1]);
		/* Nobody waits for the end of what these are open on. */
		close(1);
		close(2);
		for (;;)
			pause();
	default:
		close(ready[1]);
		if (read(ready[0], &byte, 1) != 0)
			fail(word);
		close(ready[0]);
	}
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	return signalfd(-1, &set, 0);
}

static void give(const char *word)
{
	char *rest;
	int number = (int)strtol(word, &rest, 10);
	const char *kind = rest + 1;
	int pair[2];

	if (*rest != '=')
		fail(word);
	if (strcmp(kind, "kept") == 0) {
		if (fcntl(number, F_GETFD) < 0)
			fail(word);
	} else if (strcmp(kind, "closed") == 0) {
		close(number);
	} else if (strncmp(kind, "file:", 5) == 0) {
		int flags = (int)strtol(kind + 5, &rest, 8);

		put(open(rest + 1, flags, 0600), number, word);
	} else if (strncmp(kind, "dup:", 4) == 0) {
		if (dup2(atoi(kind + 4), number) < 0)
			fail(word);
	} else if (strncmp(kind, "seek:", 5) == 0) {
		if (lseek(number, atoll(kind + 5), SEEK_SET) < 0)
			fail(word);
	} else if (strncmp(kind, "pipe:", 5) == 0) {
		pipe_at(number, atoi(kind + 5), word);
	} else if (strcmp(kind, "fill") == 0) {
		fill(number, word);
	} else if (strncmp(kind, "put:", 4) == 0) {
		if (write(number, kind + 4, strlen(kind + 4)) < 0)
			fail(word);
	} else if (strncmp(kind, "size:", 5) == 0) {
		if (fcntl(number, F_SETPIPE_SZ, atoi(kind + 5)) < 0)
			fail(word);
	} else if (strcmp(kind, "eventfd") == 0) {
		put(eventfd(0, 0), number, word);
	} else if (strcmp(kind, "timerfd") == 0) {
		put(timerfd_create(CLOCK_MONOTONIC, 0), number, word);
	} else if (strcmp(kind, "signalfd") == 0) {
		put(signals(), number, word);
	} else if (strcmp(kind, "inotify") == 0) {
		put(inotify_init1(0), number, word);
	} else if (strcmp(kind, "pidfd") == 0) {
		put((int)syscall(SYS_pidfd_open, getpid(), 0), number, word);
	} else if (strcmp(kind, "netlink") == 0) {
		put(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), number, word);
	} else if (strcmp(kind, "packet") == 0) {
		put(socket(AF_PACKET, SOCK_DGRAM, 0), number, word);
	} else if (strncmp(kind, "datagrams:", 10) == 0) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, pair))
			fail(word);
		put(fcntl(pair[0], F_DUPFD, 300), number, word);
		put(fcntl(pair[1], F_DUPFD, 300), atoi(kind + 10), word);
	} else if (strncmp(kind, "unix:", 5) == 0 || strncmp(kind, "inet:", 5) == 0) {
		put(named_socket(kind), number, word);
	} else if (strcmp(kind, "epoll") == 0) {
		put(epoll_create1(0), number, word);
	} else if (strcmp(kind, "ptmx") == 0) {
		put(open("/dev/ptmx", O_RDWR | O_NOCTTY), number, word);
	} else if (strncmp(kind, "pty:", 4) == 0) {
		pty_at(O_RDWR, number, atoi(kind + 4), word);
	} else if (strncmp(kind, "pty-read:", 9) == 0) {
		pty_at(O_RDONLY, number, atoi(kind + 9), word);
	} else if (strncmp(kind, "pty-write:", 10) == 0) {
		pty_at(O_WRONLY, number, atoi(kind + 10), word);
	} else if (strcmp(kind, "own") == 0) {
		lead_session(number, word);
	} else if (strcmp(kind, "held") == 0) {
		hold_terminal(number, word);
	} else if (strcmp(kind, "socket") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			fail(word);
		put(fcntl(pair[0], F_DUPFD, 300), number, word);
	} else if (strcmp(kind, "memfd") == 0) {
		put(memfd_create("given", MFD_ALLOW_SEALING), number, word);
	} else if (strcmp(kind, "memfd-huge") == 0) {
		put(memfd_create("given", MFD_HUGETLB), number, word);
	} else if (strcmp(kind, "memfd-secret") == 0) {
		put((int)syscall(SYS_memfd_secret, 0), number, word);
	} else if (strncmp(kind, "shut:", 5) == 0) {
		if (shutdown(number, strcmp(kind + 5, "write") == 0 ? SHUT_WR : SHUT_RD))
			fail(word);
	} else if (strcmp(kind, "seal") == 0) {
		if (fcntl(number, F_ADD_SEALS, F_SEAL_SHRINK))
			fail(word);
	} else if (strcmp(kind, "seal-writes") == 0) {
		if (fcntl(number, F_ADD_SEALS, F_SEAL_WRITE))
			fail(word);
	} else if (strcmp(kind, "seal-later-writes") == 0) {
		if (fcntl(number, F_ADD_SEALS, F_SEAL_FUTURE_WRITE))
			fail(word);
	} else if (strcmp(kind, "seal-growth") == 0) {
		if (fcntl(number, F_ADD_SEALS, F_SEAL_GROW))
			fail(word);
	} else if (strcmp(kind, "unconnected") == 0) {
		put(socket(AF_UNIX, SOCK_STREAM, 0), number, word);
	} else if (strncmp(kind, "length:", 7) == 0) {
		if (ftruncate(number, atoll(kind + 7)))
			fail(word);
	} else if (strcmp(kind, "async") == 0) {
		if (fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_ASYNC))
			fail(word);
	} else if (strcmp(kind, "nonblock") == 0) {
		if (fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK))
			fail(word);
	} else if (strcmp(kind, "subreaper") == 0) {
		if (prctl(PR_SET_CHILD_SUBREAPER, 1))
			fail(word);
	} else if (strcmp(kind, "limit") == 0) {
		struct rlimit limit = {.rlim_cur = (rlim_t)number, .rlim_max = (rlim_t)number};

		if (setrlimit(RLIMIT_NOFILE, &limit))
			fail(word);
	} else if (strcmp(kind, "soft-limit") == 0) {
		struct rlimit limit;

		if (getrlimit(RLIMIT_NOFILE, &limit))
			fail(word);
		limit.rlim_cur = (rlim_t)number;
		if (setrlimit(RLIMIT_NOFILE, &limit))
			fail(word);
	} else {
		errno = EINVAL;
		fail(word);
	}
}

static bool is_kept(char **words, int fd)
{
	char word[32];

	snprintf(word, sizeof(word), "%d=kept", fd);
	for (; *words && strcmp(*words, "--") != 0; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

/* All that this process got besides 0 to 2 is none of the test's, unless a word says so. */
static void close_all_but_kept(char **words)
{
	for (int fd = 3; fd < NUMBERS_KEPT; fd++)
		if (!is_kept(words, fd))
			close(fd);
	close_range(NUMBERS_KEPT, ~0u, 0);
}

int main(int argc, char **argv)
{
	int i = 1;

	close_all_but_kept(argv + 1);
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		give(argv[i]);
	if (i + 1 >= argc)
		return 99;
	execvp(argv[i + 1], argv + i + 1);
	fail(argv[i + 1]);
}
