/*
 * The COMMAND of the tests: says as JSON which descriptors it got, and its environment as far as fdgraft sets it. Two
 * descriptors with the same `file` share one open file.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#define NUMBERS 70000

static int open_numbers[NUMBERS];
static int flags_of[NUMBERS];

static void print_text(const char *name, const char *text)
{
	printf("\"%s\":", name);
	if (!text) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *text; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else
			putchar(*text);
	putchar('"');
}

/* The lowest number that is the same open file: a flag set on one shows on the other. */
static int first_of(int which, int count)
{
	int fd = open_numbers[which];

	for (int i = 0; i < which; i++) {
		int other = open_numbers[i];
		int before = fcntl(other, F_GETFL);
		bool same;

		(void)count;
		if (fcntl(fd, F_SETFL, flags_of[which] ^ O_NONBLOCK))
			return fd;
		same = fcntl(other, F_GETFL) != before;
		fcntl(fd, F_SETFL, flags_of[which]);
		if (same)
			return other;
	}
	return fd;
}

int main(void)
{
	struct rlimit limit;
	int count = 0;

	for (int fd = 0; fd < NUMBERS; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0)
			continue;
		flags_of[count] = flags;
		open_numbers[count++] = fd;
	}
	printf("{");
	print_text("cloexec", getenv("FDGRAFT_CLOEXEC"));
	putchar(',');
	print_text("socket", getenv("FDGRAFT_SOCKET"));
	putchar(',');
	print_text("libs", getenv("CRIU_LIBS_DIR"));
	getrlimit(RLIMIT_NOFILE, &limit);
	printf(",\"limit\":%llu,\"fds\":{", (unsigned long long)limit.rlim_cur);
	for (int i = 0; i < count; i++) {
		int fd = open_numbers[i];
		char path[64], link[4096];
		ssize_t length;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, link, sizeof(link) - 1);
		link[length < 0 ? 0 : length] = '\0';
		printf("%s\"%d\":{", i ? "," : "", fd);
		print_text("link", link);
		printf(",\"flags\":%d,\"offset\":%lld,\"cloexec\":%s,\"file\":%d}", flags_of[i] & ~0100000,
		       (long long)lseek(fd, 0, SEEK_CUR), fcntl(fd, F_GETFD) & FD_CLOEXEC ? "true" : "false",
		       first_of(i, count));
	}
	printf("}}\n");
	return 0;
}
