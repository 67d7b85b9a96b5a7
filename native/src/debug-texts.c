#include "debug-texts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "caller.h"
#include "escape.h"
#include "message.h"
#include "write-signals.h"

/* For a full pipe, whose reader may be gone for good. */
#define WAIT_FOR_ROOM_MS 10000

int debug_check(const struct plan *plan)
{
	for (size_t i = 0; i < plan->head->n_debugs; i++) {
		const Fdgraft__PlanDebug *debug = plan->head->debugs[i];
		struct caller caller = {.number = debug->caller_fd, .fd = (int)debug->caller_fd};
		const char *wrong = NULL;
		struct shown shown;

		if (caller_inspect(&caller))
			return -1;
		if (caller.kind == CALLER_CLOSED)
			wrong = "is not open";
		else if (caller.kind == CALLER_PATH)
			wrong = "was opened with O_PATH";
		else if (caller.kind == CALLER_DIRECTORY)
			wrong = "is a directory";
		else if ((caller.flags & O_ACCMODE) != O_WRONLY && (caller.flags & O_ACCMODE) != O_RDWR)
			wrong = "is open for only reading";
		if (wrong)
			problem("caller fd %u %s, and %s writes to it; open it for writing", debug->caller_fd, wrong,
				show_printed(&shown, debug->text));
	}
	return 0;
}

static void refuse_for_pipe(const struct plan *plan, const struct unread_pipe *pipe, const char *text)
{
	const struct unread_part *first = &pipe->parts[0];
	struct shown spec, key;

	problem("caller fd %u (spec %s): %s would be written into its pipe before the %llu unread bytes of %s; leave that spec out, or " UNREAD_LET_GO,
		first->caller->number, show_spec(&spec, plan, plan->grafts[first->bytes->graft].spec), text,
		(unsigned long long)pipe->bytes, show_unread_key(&key, plan, first->bytes));
}

static void refuse_for_cut(const struct plan *plan, const struct cut *cut, const char *text)
{
	struct shown spec;

	problem("caller fd %u (spec %s): %s would be written into its file before that is cut to %llu bytes; leave that spec or truncate out",
		cut->caller_fd, show_spec(&spec, plan, cut->graft->spec), text, (unsigned long long)cut->size);
}

void debug_refuse(const struct plan *plan, const struct unread_pipes *unread, const struct cuts *cuts)
{
	for (size_t i = 0; i < plan->head->n_debugs; i++) {
		const Fdgraft__PlanDebug *debug = plan->head->debugs[i];
		struct caller caller = {.number = debug->caller_fd, .fd = (int)debug->caller_fd};
		const struct unread_pipe *pipe;
		const struct cut *cut;
		struct shown text;

		if (debug->output.len == 0 || fstat(caller.fd, &caller.status))
			continue;
		show_printed(&text, debug->text);
		pipe = unread_into(unread, &caller);
		if (pipe)
			refuse_for_pipe(plan, pipe, text.text);
		cut = cut_of(cuts, &caller);
		if (cut)
			refuse_for_cut(plan, cut, text.text);
	}
}

/* Only with room, and never more than fits then: write() could wait for ever, with the signals blocked that end --serve. */
static int write_whole(int fd, const unsigned char *bytes, size_t left)
{
	while (left > 0) {
		struct pollfd room = {.fd = fd, .events = POLLOUT};
		int ready = poll(&room, 1, WAIT_FOR_ROOM_MS);
		ssize_t done = ready > 0 ? write(fd, bytes, left < PIPE_BUF ? left : PIPE_BUF) : -1;

		if (done > 0) {
			bytes += done;
			left -= (size_t)done;
		} else if (ready == 0) {
			errno = EAGAIN;
			return -1;
		} else if (errno != EINTR && errno != EAGAIN) {
			return -1;
		}
	}
	return 0;
}

int debug_write(const struct plan *plan)
{
	struct write_signals signals;
	int result = 0;

	if (write_signals_ignore(&signals))
		return -1;
	for (size_t i = 0; result == 0 && i < plan->head->n_debugs; i++) {
		const Fdgraft__PlanDebug *debug = plan->head->debugs[i];
		struct shown shown;

		result = write_whole((int)debug->caller_fd, debug->output.data, debug->output.len);
		if (result)
			message("caller fd %u: cannot write the text of %s: %s", debug->caller_fd,
				show_printed(&shown, debug->text), cause_of(errno));
	}
	return write_signals_restore(&signals) ? -1 : result;
}
