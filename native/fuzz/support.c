#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "message.h"

/* All descriptors are counted once in so many runs, which costs more than the run. */
#define COUNT_EVERY 64

static size_t said;
static size_t runs;
static int lowest_before;
static int count_before;
static char scratch[SCRATCH_MAX];

uint8_t take_u8(struct fuzz_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

uint16_t take_u16(struct fuzz_input *input)
{
	uint16_t low = take_u8(input);

	return (uint16_t)(low | take_u8(input) << 8);
}

uint32_t take_u32(struct fuzz_input *input)
{
	uint32_t low = take_u16(input);

	return low | (uint32_t)take_u16(input) << 16;
}

size_t take_bytes(struct fuzz_input *input, void *bytes, size_t size)
{
	size_t taken = size < input->left ? size : input->left;

	if (taken > 0)
		memcpy(bytes, input->at, taken);
	input->at += taken;
	input->left -= taken;
	return taken;
}

void fuzz_fault(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("fault: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	abort();
}

/* What a terminal acts on must not come through. */
static void check_text(const char *text)
{
	said++;
	if (*text == '\0')
		fuzz_fault("an empty message");
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < ' ' || *at == 0x7f)
			fuzz_fault("a message with the byte 0x%02x: %s", *at, text);
}

static int lowest_free(void)
{
	int fd = fcntl(2, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		fuzz_fault("no descriptor is left: %s", strerror(errno));
	close(fd);
	return fd;
}

static int count_open(void)
{
	DIR *stream = opendir("/proc/self/fd");
	int count = 0;

	if (!stream)
		fuzz_fault("cannot read /proc/self/fd: %s", strerror(errno));
	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

void fuzz_begin(void)
{
	said = 0;
	problems_reset();
	message_to(check_text, check_text);
	lowest_before = lowest_free();
	count_before = runs % COUNT_EVERY == 0 ? count_open() : -1;
	runs++;
}

void fuzz_end(void)
{
	int lowest = lowest_free();

	problems_end();
	message_to(NULL, NULL);
	if (lowest != lowest_before)
		fuzz_fault("descriptor %d %s", lowest > lowest_before ? lowest_before : lowest,
			   lowest > lowest_before ? "stays open" : "was open before, and is closed");
	if (count_before >= 0 && count_open() != count_before)
		fuzz_fault("%d descriptors are open, %d were", count_open(), count_before);
}

size_t said_count(void)
{
	return said;
}

int file_of(const void *bytes, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || (size > 0 && pwrite(fd, bytes, size, 0) != (ssize_t)size))
		fuzz_fault("cannot make a file: %s", strerror(errno));
	return fd;
}

/* Two levels are all that harnesses make. */
static void remove_scratch(int dir, int depth)
{
	DIR *stream = fdopendir(dir);
	struct dirent *entry;

	while (stream && (entry = readdir(stream)) != NULL) {
		int inner;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || unlinkat(dir, entry->d_name, 0) == 0)
			continue;
		inner = openat(dir, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner >= 0 && depth > 0)
			remove_scratch(inner, depth - 1);
		unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	}
	if (stream)
		closedir(stream);
}

static void remove_at_exit(void)
{
	int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		remove_scratch(dir, 2);
	rmdir(scratch);
}

int scratch_dir(char path[static SCRATCH_MAX])
{
	const char *parent = getenv("TMPDIR");
	int dir;

	if (snprintf(scratch, sizeof(scratch), "%s/fuzz-XXXXXX", parent ? parent : "/tmp") >= (int)sizeof(scratch))
		fuzz_fault("TMPDIR is too long");
	if (!mkdtemp(scratch) || atexit(remove_at_exit))
		fuzz_fault("cannot make a directory: %s", strerror(errno));
	dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		fuzz_fault("cannot open %s: %s", scratch, strerror(errno));
	memcpy(path, scratch, sizeof(scratch));
	return dir;
}

void write_in(int dir, const char *name, const void *bytes, size_t size)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size)
		fuzz_fault("cannot write %s: %s", name, strerror(errno));
	close(fd);
}

enum plan_found plan_of(struct plan *plan, const uint8_t *bytes, size_t size)
{
	*plan = (struct plan){.bytes = malloc(size ? size : 1), .size = size};
	if (!plan->bytes || plan_keep_shown_path(plan, "the plan"))
		fuzz_fault("out of memory");
	if (size > 0)
		memcpy(plan->bytes, bytes, size);
	return plan_parse(plan);
}

void bound_pipes(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		fuzz_fault("capget: %s", strerror(errno));
	data[CAP_TO_INDEX(CAP_SYS_RESOURCE)].effective &= ~CAP_TO_MASK(CAP_SYS_RESOURCE);
	if (syscall(SYS_capset, &header, data))
		fuzz_fault("capset: %s", strerror(errno));
}

bool same_file(int left, int right)
{
	struct stat a, b;

	return fstat(left, &a) == 0 && fstat(right, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
