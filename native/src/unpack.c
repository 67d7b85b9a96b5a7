#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "close-others.h"
#include "exit-codes.h"
#include "frames.h"
#include "message.h"
#include "tar.h"

/* A program that gives nothing, or does not end after its last byte, for so long hangs. */
#define HANGS_MS 20000
#define PAUSE_MS 10
#define FETCH_AGAIN "copy the archive again, or write it again with fdgraft rewrite"

enum packing packing_of(const unsigned char *begin, size_t size)
{
	static const unsigned char gzip[] = {0x1f, 0x8b};
	static const unsigned char zstd[] = {0x28, 0xb5, 0x2f, 0xfd};
	/* A frame that is to be skipped, as pzstd has it first; the lowest four bits are free. */
	static const unsigned char skippable[] = {0x2a, 0x4d, 0x18};

	if (size >= sizeof(gzip) && memcmp(begin, gzip, sizeof(gzip)) == 0)
		return PACKED_GZIP;
	if (size >= sizeof(zstd) && memcmp(begin, zstd, sizeof(zstd)) == 0)
		return PACKED_ZSTD;
	if (size >= 4 && (begin[0] & 0xf0) == 0x50 && memcmp(begin + 1, skippable, sizeof(skippable)) == 0)
		return PACKED_ZSTD;
	return size >= TAR_BLOCK && tar_is_header(begin) ? PACKED_NOT : NO_ARCHIVE;
}

static _Noreturn void be_program(const char *program, int archive, int out)
{
	int null = open("/dev/null", O_WRONLY);

	/* All three are above 2, or in the places of what is replaced. */
	if (dup2(archive, 0) >= 0 && dup2(out, 1) >= 0 && null >= 0 && dup2(null, 2) >= 0) {
		/* None of the caller's descriptors is for it: a pipe would stay open as long as it runs. */
		(void)close_others(STDERR_FILENO + 1, NULL, 0);
		execlp(program, program, "-dc", (char *)NULL);
	}
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* A copy at a number above 2, so that putting others in their places does not close it. */
static int above_standard(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		message("cannot dup a descriptor: %s", cause_of(errno));
	return copy;
}

static int start_program(struct unpacked *unpacked, int archive)
{
	struct sigaction plain = {.sa_handler = SIG_DFL};
	int ends[2] = {-1, -1};
	int from, out;

	if (pipe2(ends, O_CLOEXEC)) {
		message("cannot make a pipe: %s", cause_of(errno));
		return EXIT_SYSTEM;
	}
	from = above_standard(archive);
	out = above_standard(ends[1]);
	close(ends[1]);
	unpacked->fd = ends[0];
	/* If the caller ignores SIGCHLD, nobody learns how the program ended. */
	if (from >= 0 && out >= 0 && sigaction(SIGCHLD, &plain, &unpacked->on_child) == 0) {
		unpacked->child = fork();
		if (unpacked->child == 0)
			be_program(unpacked->program, from, out);
		if (unpacked->child < 0)
			message("cannot fork: %s", cause_of(errno));
	}
	if (from >= 0)
		close(from);
	if (out >= 0)
		close(out);
	if (unpacked->child > 0)
		return 0;
	close(unpacked->fd);
	unpacked->fd = -1;
	return EXIT_SYSTEM;
}

int unpack_start(struct unpacked *unpacked, int archive, enum packing packing, const char *shown_path)
{
	*unpacked = (struct unpacked){.shown_path = shown_path, .fd = -1, .child = -1};
	if (packing == PACKED_NOT) {
		unpacked->fd = above_standard(archive);
		return unpacked->fd < 0 ? EXIT_SYSTEM : 0;
	}
	unpacked->program = packing == PACKED_GZIP ? "gzip" : "zstd";
	return start_program(unpacked, archive);
}

ssize_t unpack_read(struct unpacked *unpacked, void *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		struct pollfd event = {.fd = unpacked->fd, .events = POLLIN};
		int ready = poll(&event, 1, unpacked->program ? HANGS_MS : -1);
		ssize_t got;

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready == 0) {
			message("%s: %s has given nothing for %d seconds; look whether %s -dc works on the archive", unpacked->shown_path,
				unpacked->program, HANGS_MS / 1000, unpacked->program);
			return -1;
		}
		got = ready < 0 ? -1 : read(unpacked->fd, (char *)bytes + done, size - done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			message("%s: cannot read: %s", unpacked->shown_path, cause_of(errno));
			return -1;
		}
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

/* False where it goes on after its last byte. */
static bool wait_for_end(pid_t child, int *status)
{
	int64_t deadline = deadline_after(HANGS_MS);

	for (;;) {
		pid_t ended = waitpid(child, status, WNOHANG);

		if (ended == child || (ended < 0 && errno != EINTR))
			return ended == child;
		if (until_deadline(deadline) == 0)
			return false;
		(void)poll(NULL, 0, PAUSE_MS);
	}
}

static int judge(const struct unpacked *unpacked, int status)
{
	const char *program = unpacked->program;

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status)) {
		message("%s: %s was killed by signal %d; run it again, and see that there is enough memory", unpacked->shown_path, program,
			WTERMSIG(status));
		return EXIT_SYSTEM;
	}
	if (WEXITSTATUS(status) == EXIT_NOT_FOUND) {
		message("%s: needs the program %s, which is not in PATH; install it (Debian and Ubuntu: apt-get install %s)",
			unpacked->shown_path, program, program);
		return EXIT_SYSTEM;
	}
	message("%s: %s cannot unpack it (exit code %d); " FETCH_AGAIN, unpacked->shown_path, program, WEXITSTATUS(status));
	return EXIT_UNUSABLE;
}

int unpack_end(struct unpacked *unpacked, bool whole)
{
	int status = 0;
	int code = 0;
	bool ended;

	if (unpacked->fd >= 0)
		close(unpacked->fd);
	unpacked->fd = -1;
	if (unpacked->child < 0)
		return 0;
	ended = whole && wait_for_end(unpacked->child, &status);
	if (!ended) {
		(void)kill(unpacked->child, SIGKILL);
		while (waitpid(unpacked->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)sigaction(SIGCHLD, &unpacked->on_child, NULL);
	unpacked->child = -1;
	if (whole && !ended) {
		message("%s: %s does not end after its last byte; look whether %s -dc works on the archive", unpacked->shown_path,
			unpacked->program, unpacked->program);
		code = EXIT_SYSTEM;
	} else if (ended) {
		code = judge(unpacked, status);
	}
	return code;
}
