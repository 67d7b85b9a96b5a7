/* The keeper's side of the hand-over (give.c, frames.c), with a plugin that says anything. */
#include "give.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "frames.h"
#include "start-dir.h"
#include "support.h"

/* How many caller fds there are, and whether a debug text has to be written; then come packets of the plugin. */
#define CONTROL 3
#define CALLERS_MAX 512
#define FEW_CALLERS 16
#define MANY_MARK 0x5a
#define PACKETS_MAX 24
#define NAME "0123456789abcdef0123456789abcdef"
/* Of the debug text: no other descriptor has it. */
#define DEBUG_FD 900

const struct fuzz_layout fuzz_layout = {.control = CONTROL};

enum { RIGHT_HELLO, RIGHT_WANT, DONE, HELLO, WANT, RAW, VERSION, SHORT, KINDS };

static const unsigned char digest[SHA256_SIZE] = "the digest of the plan";

struct plugin {
	int connection;
	uint32_t first;
	bool said_digest;
};

/* Few in most runs, which takes less time; with the mark, more than one packet has room for. */
static uint32_t take_count(struct fuzz_input *input)
{
	uint8_t count = take_u8(input);

	return take_u8(input) == MANY_MARK ? FRAME_FDS_MAX + count : count % FEW_CALLERS;
}

static void send_packet(const struct plugin *plugin, const void *bytes, size_t size, bool with_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (void *)bytes, .iov_len = size};
	struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};

	if (with_fd) {
		packet.msg_control = &control;
		packet.msg_controllen = sizeof(control);
		control.header =
			(struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(&control.header), &(int){2}, sizeof(int));
	}
	(void)sendmsg(plugin->connection, &packet, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say(struct plugin *plugin, struct fuzz_input *input)
{
	uint8_t op = take_u8(input);
	struct frame frame = frame_of(FRAME_HELLO);
	size_t size = sizeof(frame);

	switch (op % 16 % KINDS) {
	case RIGHT_HELLO:
		memcpy(frame.digest, digest, SHA256_SIZE);
		plugin->said_digest = true;
		break;
	case RIGHT_WANT:
		frame.kind = FRAME_WANT;
		frame.first = plugin->first;
		plugin->first += FRAME_FDS_MAX;
		break;
	case DONE:
		frame.kind = FRAME_DONE;
		break;
	case HELLO:
		take_bytes(input, frame.digest, SHA256_SIZE);
		plugin->said_digest = plugin->said_digest || memcmp(frame.digest, digest, SHA256_SIZE) == 0;
		break;
	case WANT:
		frame.kind = FRAME_WANT;
		frame.first = take_u32(input);
		break;
	case RAW:
		size = take_bytes(input, &frame, take_u16(input) % (sizeof(frame) + 1));
		plugin->said_digest = plugin->said_digest || memcmp(frame.digest, digest, SHA256_SIZE) == 0;
		break;
	case VERSION:
		frame.version = take_u32(input);
		break;
	default:
		size = take_u16(input) % (sizeof(frame) + 1);
	}
	send_packet(plugin, &frame, size, op >= 0xf0);
}

/* Reads what the keeper answered. Returns whether it has ended the hand-over. */
static bool hear_all(const struct plugin *plugin, uint32_t callers, int file)
{
	bool ended = false;
	struct frame frame;
	int fds[FRAME_FDS_MAX];
	size_t count;

	while (frame_receive(plugin->connection, &frame, fds, FRAME_FDS_MAX, &count, deadline_after(0)) == RECEIVED) {
		/* Descriptors go to those who know the plan, and each under its number. */
		MUST(count == 0 || plugin->said_digest);
		MUST(frame.kind == FRAME_OFFER || frame.kind == FRAME_REFUSED || frame.kind == FRAME_FDS || frame.kind == FRAME_END);
		MUST(frame.kind != FRAME_OFFER || frame.count == callers);
		MUST(frame.kind == FRAME_FDS ? frame.count == count && frame.first + count <= callers : count <= (frame.kind == FRAME_END));
		for (size_t i = 0; i < count; i++) {
			MUST(frame.kind == FRAME_END || (frame.numbers[i] == frame.first + i && same_file(fds[i], file)));
			close(fds[i]);
		}
		ended = ended || frame.kind == FRAME_END;
	}
	return ended;
}

/* A directory as a start has it. */
static void make_start(struct start_dir *dir, int base, bool has_plugins)
{
	*dir = NO_START_DIR;
	(void)mkdirat(base, NAME, 0700);
	dir->base = fcntl(base, F_DUPFD_CLOEXEC, 3);
	dir->fd = openat(base, NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	memcpy(dir->name, NAME, sizeof(NAME));
	dir->has_plugins = has_plugins;
	MUST(dir->base >= 0 && dir->fd >= 0);
}

static void run(struct fuzz_input *input, uint32_t count, uint8_t settings, int base, int file)
{
	Fdgraft__PlanDebug debug = FDGRAFT__PLAN_DEBUG__INIT;
	Fdgraft__PlanDebug *debugs[] = {&debug};
	Fdgraft__PlanHead head = FDGRAFT__PLAN_HEAD__INIT;
	struct plan plan = {.head = &head};
	struct callers callers = {.list = calloc(CALLERS_MAX, sizeof(*callers.list)), .count = count};
	struct plugin plugin = {0};
	struct start_dir dir;
	struct gift gift = {.plan = &plan, .callers = &callers, .has_debugs = settings & 1, .dir = &dir};
	enum given given;
	int ends[2];
	bool ended;

	MUST(callers.list && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
	MUST(fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
	memcpy(plan.digest, digest, SHA256_SIZE);
	debug.caller_fd = DEBUG_FD;
	debug.text = "debug[5]:text";
	debug.output = (ProtobufCBinaryData){.data = (uint8_t *)"text", .len = 4};
	head.debugs = debugs;
	head.n_debugs = 1;
	/* Closed, it cannot be written to. */
	if (settings & 2)
		MUST(dup3(file, DEBUG_FD, O_CLOEXEC) == DEBUG_FD);
	for (uint32_t i = 0; i < count; i++)
		callers.list[i] = (struct caller){.number = i, .fd = fcntl(file, F_DUPFD_CLOEXEC, 3)};
	make_start(&dir, base, settings & 4);
	plugin.connection = ends[0];
	for (int i = 0; i < PACKETS_MAX && input->left > 0; i++)
		say(&plugin, input);
	MUST(shutdown(ends[0], SHUT_WR) == 0);
	given = give_over(&gift, ends[1]);
	close(ends[1]);
	ended = hear_all(&plugin, count, file);
	MUST(!ended || given == GIVEN);
	MUST(given == GIVEN_NOT || plugin.said_digest);
	MUST(given != GIVEN_WITHOUT_DEBUGS || settings & 1);
	/* All or nothing: none is let go before the peer has all. */
	for (uint32_t i = 0; i < count; i++)
		MUST(given == GIVEN_NOT ? same_file(callers.list[i].fd, file) : callers.list[i].fd == -1);
	MUST((given == GIVEN_NOT) == (dir.fd >= 0));
	if (given == GIVEN_NOT)
		for (uint32_t i = 0; i < count; i++)
			close(callers.list[i].fd);
	/* It stays for the next run, which takes less time. */
	start_dir_leave(&dir);
	(void)close(DEBUG_FD);
	callers_free(&callers);
	close(ends[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static int base, file;
	struct fuzz_input input = {bytes, size};
	char path[SCRATCH_MAX];
	uint32_t count;

	if (base == 0) {
		base = scratch_dir(path);
		file = file_of("", 0);
	}
	count = take_count(&input);
	fuzz_begin();
	run(&input, count, take_u8(&input), base, file);
	MUST(ftruncate(file, 0) == 0);
	fuzz_end();
	return 0;
}
