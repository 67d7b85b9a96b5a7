/* The plugin's side of the hand-over (fetch.c, frames.c), with a keeper that says anything. */
#include "fetch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frames.h"
#include "start-dir.h"
#include "support.h"

/* How many caller fds the plan has; then come packets of the keeper. */
#define CONTROL 2
#define CALLERS_MAX 512
#define FEW_CALLERS 16
#define MANY_MARK 0x5a
#define PACKETS_MAX 24
#define NAME "0123456789abcdef0123456789abcdef"

const struct fuzz_layout fuzz_layout = {.control = CONTROL};

/* The parts of a packet that differ from what a keeper would say. */
enum { RIGHT_OFFER, RIGHT_FDS, RIGHT_END, END_WITH_DIR, OFFER, FDS, END_NAMED, REFUSED, RAW, VERSION, SHORT, KINDS };

struct keeper {
	int connection;
	int base; /* this and the next: of directories that a packet can bring */
	int dir;
	int file;
	uint32_t callers;
	uint32_t sent; /* caller fds, so far */
};

/* Few in most runs, which takes less time; with the mark, more than one packet has room for. */
static uint32_t take_count(struct fuzz_input *input)
{
	uint8_t count = take_u8(input);

	return take_u8(input) == MANY_MARK ? FRAME_FDS_MAX + count : count % FEW_CALLERS;
}

static void send_packet(const struct keeper *keeper, const void *bytes, size_t size, int what, size_t count)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
	int fds[FRAME_FDS_MAX];

	for (size_t i = 0; i < count; i++)
		fds[i] = what;
	if (count > 0) {
		packet.msg_control = &control;
		packet.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(count * sizeof(int))};
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	/* What the socket has no room for does not come. */
	(void)sendmsg(keeper->connection, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void fill_fds(struct keeper *keeper, struct frame *frame, uint32_t first)
{
	uint32_t left = keeper->callers > first ? keeper->callers - first : 0;

	frame->kind = FRAME_FDS;
	frame->first = first;
	frame->count = left < FRAME_FDS_MAX ? left : FRAME_FDS_MAX;
	for (uint32_t i = 0; i < frame->count; i++)
		frame->numbers[i] = first + i;
	keeper->sent = first + frame->count;
}

static void say(struct keeper *keeper, struct fuzz_input *input)
{
	uint8_t op = take_u8(input);
	struct frame frame = frame_of(FRAME_OFFER);
	size_t size = sizeof(frame);
	size_t count = op >> 5;
	int what = keeper->file;

	switch (op % 32 % KINDS) {
	case RIGHT_OFFER:
		frame.count = keeper->callers;
		break;
	case RIGHT_FDS:
		fill_fds(keeper, &frame, keeper->sent);
		count = frame.count;
		break;
	case RIGHT_END:
		frame.kind = FRAME_END;
		break;
	case END_WITH_DIR:
		frame.kind = FRAME_END;
		memcpy(frame.name, NAME, sizeof(NAME));
		what = keeper->dir;
		count = 1;
		break;
	case OFFER:
		frame.count = take_u32(input);
		break;
	case FDS:
		fill_fds(keeper, &frame, keeper->sent + take_u8(input));
		frame.count = take_u16(input);
		frame.numbers[take_u8(input) % FRAME_FDS_MAX] = take_u32(input);
		count = take_u8(input);
		break;
	case END_NAMED:
		frame.kind = FRAME_END;
		take_bytes(input, frame.name, sizeof(frame.name));
		what = count & 1 ? keeper->dir : count & 2 ? keeper->base : keeper->file;
		break;
	case REFUSED:
		frame.kind = FRAME_REFUSED;
		frame.reason = take_u8(input);
		break;
	case RAW:
		size = take_bytes(input, &frame, take_u16(input) % (sizeof(frame) + 1));
		break;
	case VERSION:
		frame.version = take_u32(input);
		break;
	default:
		size = take_u16(input) % (sizeof(frame) + 1);
	}
	send_packet(keeper, &frame, size, what, count < FRAME_FDS_MAX ? count : FRAME_FDS_MAX);
}

/* The plugin removes the directory that it was given, and nothing else. */
static void check_dir(const struct keeper *keeper, struct start_dir *dir)
{
	struct stat status;

	if (dir->fd < 0)
		return;
	MUST(is_start_name(dir->name));
	start_dir_remove(dir);
	MUST(fstatat(keeper->base, "kept", &status, 0) == 0);
	(void)mkdirat(keeper->base, NAME, 0700);
}

static void make_dirs(struct keeper *keeper)
{
	char path[SCRATCH_MAX];
	int scratch = scratch_dir(path);

	MUST(mkdirat(scratch, "base", 0700) == 0);
	keeper->base = openat(scratch, "base", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(scratch);
	write_in(keeper->base, "kept", "", 0);
	MUST(mkdirat(keeper->base, NAME, 0700) == 0);
	keeper->file = file_of("", 0);
}

static void run(struct keeper *keeper, struct fuzz_input *input)
{
	struct plan plan = {0};
	struct callers callers = {.list = calloc(CALLERS_MAX, sizeof(*callers.list)), .count = keeper->callers};
	struct start_dir dir = NO_START_DIR;
	int ends[2];
	int result;

	MUST(callers.list && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	for (uint32_t i = 0; i < keeper->callers; i++)
		callers.list[i] = (struct caller){.number = i, .fd = -1};
	keeper->connection = ends[0];
	keeper->sent = 0;
	/* Opened anew, since it may have been removed. */
	keeper->dir = openat(keeper->base, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < PACKETS_MAX && input->left > 0; i++)
		say(keeper, input);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	close(keeper->dir);
	result = fetch_over(ends[1], &callers, &plan, &dir);
	MUST((result == 0) == (said_count() == 0));
	for (size_t i = 0; i < callers.count; i++)
		MUST(result == 0 ? same_file(callers.list[i].fd, keeper->file) && fcntl(callers.list[i].fd, F_GETFD) & FD_CLOEXEC :
				   callers.list[i].fd == -1);
	MUST(result == 0 || dir.fd < 0);
	check_dir(keeper, &dir);
	fetched_close(&callers);
	callers_free(&callers);
	close(ends[0]);
	close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct keeper keeper;
	struct fuzz_input input = {bytes, size};

	if (keeper.base == 0)
		make_dirs(&keeper);
	keeper.callers = take_count(&input);
	fuzz_begin();
	run(&keeper, &input);
	fuzz_end();
	return 0;
}
