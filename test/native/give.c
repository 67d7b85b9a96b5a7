/*
 * Opens odd things at given numbers, then runs a command: what a shell cannot redirect to.
 *
 *   give N=KIND[:ARGUMENT]… -- COMMAND…
 *
 * closed; file:FLAGS:PATH (FLAGS octal, as in <fcntl.h>); dup:M; seek:OFFSET (of what is at N already); pipe:M (read end at
 * N, write end at M); fill (makes the pipe at N full); put:TEXT (into what is at N already); size:BYTES (of the pipe at N); eventfd; epoll; ptmx; socket; memfd; seal (what is at N already, against shrinking); nonblock and async (of what is at
 * N already); limit and soft-limit (no descriptor: N is RLIMIT_NOFILE); subreaper (no descriptor: orphans become its children)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

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

static void give(const char *word)
{
	char *rest;
	int number = (int)strtol(word, &rest, 10);
	const char *kind = rest + 1;
	int pair[2];

	if (*rest != '=')
		fail(word);
	if (strcmp(kind, "closed") == 0) {
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
	} else if (strcmp(kind, "epoll") == 0) {
		put(epoll_create1(0), number, word);
	} else if (strcmp(kind, "ptmx") == 0) {
		put(open("/dev/ptmx", O_RDWR | O_NOCTTY), number, word);
	} else if (strcmp(kind, "socket") == 0) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			fail(word);
		put(fcntl(pair[0], F_DUPFD, 300), number, word);
	} else if (strcmp(kind, "memfd") == 0) {
		put(memfd_create("given", MFD_ALLOW_SEALING), number, word);
	} else if (strcmp(kind, "seal") == 0) {
		if (fcntl(number, F_ADD_SEALS, F_SEAL_SHRINK))
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

int main(int argc, char **argv)
{
	int i = 1;

	/* What this process got besides 0 to 2 is none of the test's. */
	close_range(3, ~0u, 0);
	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		give(argv[i]);
	if (i + 1 >= argc)
		return 99;
	execvp(argv[i + 1], argv + i + 1);
	fail(argv[i + 1]);
}
