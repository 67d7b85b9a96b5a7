#include "choose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "escape.h"
#include "locked.h"
#include "message.h"
#include "nonblock.h"
#include "reopen.h"
#include "seals.h"
#include "text.h"

/* Descriptors that the process needs besides those of the plan. */
#define OTHER_DESCRIPTORS 32

static const char *access_name(int flags)
{
	switch (flags & O_ACCMODE) {
	case O_RDONLY:
		return "only reading";
	case O_WRONLY:
		return "only writing";
	case O_RDWR:
		return "reading and writing";
	default:
		return "neither reading nor writing";
	}
}

static const char *access_needed(bool reads, bool writes)
{
	return reads && writes ? "reading and writing" : reads ? "reading" : "writing";
}

static bool can_read(int flags)
{
	return (flags & O_ACCMODE) == O_RDONLY || (flags & O_ACCMODE) == O_RDWR;
}

static const char *flag_names(struct text *text, uint32_t flags)
{
	/* O_SYNC has the bit of O_DSYNC within it, so it comes first. */
	static const struct bit_name names[] = {
		{O_APPEND, "O_APPEND"}, {O_NONBLOCK, "O_NONBLOCK"}, {O_DIRECT, "O_DIRECT"},
		{O_SYNC, "O_SYNC"},	{O_DSYNC, "O_DSYNC"},	    {O_NOATIME, "O_NOATIME"},
	};

	if (text_add_bits(text, names, sizeof(names) / sizeof(names[0]), flags & COUNTED_FLAGS))
		return "some flags";
	return text->length ? text->bytes : "none";
}

/* A descriptor that may only be named took the place of one that may only be named, a directory that of a directory. */
static bool fits_special(const struct caller *caller, const struct graft *graft)
{
	if (caller->kind == CALLER_PATH && !(graft->flags & O_PATH))
		return false;
	return !S_ISDIR(caller->status.st_mode) || graft->kind.name == KIND_DIRECTORY || graft->flags & O_PATH;
}

/* The redirection of a shell that opens what the graft needs, and empties no file. "": no redirection opens such a thing. */
static const char *redirection_for(const struct graft *graft)
{
	switch (graft->kind.name) {
	case KIND_DIRECTORY:
		return "<DIRECTORY";
	case KIND_TERMINAL:
		return "<>/dev/pts/N";
	case KIND_ANY:
	case KIND_MEMFD:
		if (graft->gets_unread)
			return graft->needs_write ? "<>FIFO" : "<FIFO";
		if (!graft->needs_write)
			return "<FILE";
		return graft->needs_read || graft->cuts ? "<>FILE" : ">>FILE";
	default:
		return "";
	}
}

/* sudo closes what it was given above 2, and its variables tell that it stands between. */
static void say_closed(const struct caller *caller, const struct graft *graft, const char *spec)
{
	const char *redirection = redirection_for(graft);
	bool is_behind_sudo = caller->number > STDERR_FILENO && getenv("SUDO_COMMAND");

	if (redirection[0] == '\0')
		problem("caller fd %u is not open (spec %s); let the program that starts fdgraft-exec open it%s", caller->number, spec,
			is_behind_sudo ? ", and start that program by sudo, which closes all fds above 2" : "");
	else if (is_behind_sudo)
		problem("caller fd %u is not open (spec %s): sudo closes all fds above 2; open it behind sudo, as in `sudo sh -c 'fdgraft-exec … %u%s'`",
			caller->number, spec, caller->number, redirection);
	else
		problem("caller fd %u is not open (spec %s); open it first, as in `fdgraft-exec … %u%s`", caller->number, spec,
			caller->number, redirection);
}

/* Refuses a descriptor that fits no graft of this sort, and says so once. 1: refused. */
static int refuse_caller(const struct plan *plan, struct caller *caller, const struct graft *graft)
{
	struct shown spec;

	if (caller->kind != CALLER_CLOSED && fits_special(caller, graft))
		return 0;
	if (caller->refused)
		return 1;
	caller->refused = true;
	show_spec(&spec, plan, graft->spec);
	switch (caller->kind) {
	case CALLER_CLOSED:
		say_closed(caller, graft, spec.text);
		return 1;
	case CALLER_PATH:
		problem("caller fd %u was opened with O_PATH (spec %s), which allows no reading or writing; open it without O_PATH",
			caller->number, spec.text);
		return 1;
	default:
		problem("caller fd %u is a directory (spec %s); allowed are files, pipes, FIFOs, character devices, terminals and sockets",
			caller->number, spec.text);
		return 1;
	}
}

static bool refuse_access(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	/* A reopened file gets the entry's access mode, and the caller must not be led to more than it opened. */
	bool reads = graft->needs_read || (graft->reopen && (graft->flags & O_ACCMODE) != O_WRONLY);
	bool writes = graft->needs_write || (graft->reopen && (graft->flags & O_ACCMODE) != O_RDONLY);
	struct shown spec;

	if ((!reads || can_read(caller->flags)) && (!writes || caller_can_write(caller)))
		return false;
	problem("caller fd %u is open for %s, file id %u needs %s (spec %s); open it for that", caller->number,
		access_name(caller->flags), graft->file_id, access_needed(reads, writes),
		show_spec(&spec, plan, graft->spec));
	return true;
}

/* Nobody could write to a memfd that had such a seal itself. A plan may not tell. */
static bool wrote_before(const struct kind *kind)
{
	if (kind->name == KIND_MEMFD)
		return kind->has_seals && !(kind->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE));
	return kind->name == KIND_ANY;
}

/* A seal or an attribute makes each write fail, whatever the descriptor is open for. */
static bool refuse_lock(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	int flags = graft->reopen ? reopened_flags(caller, graft) : caller->flags;
	const char *lock;
	struct shown spec;

	if (!graft->needs_write || caller->kind != CALLER_FILE || !wrote_before(&graft->kind))
		return false;
	lock = locked_against_writes(caller, flags & O_APPEND);
	/* The memfd may have had huge pages itself. */
	if (!lock && graft->kind.name == KIND_ANY && is_huge(caller))
		lock = "it lies in huge pages, which can only be read and mapped";
	if (!lock)
		return false;
	problem("caller fd %u cannot be written to, and file id %u needs writing (spec %s): %s; give another file", caller->number,
		graft->file_id, show_spec(&spec, plan, graft->spec), lock);
	return true;
}

/* Status flags that the restored tasks meet in a dup. */
static int shared_flags(const struct caller *caller)
{
	return caller->gets_nonblock ? caller->flags | O_NONBLOCK : caller->flags;
}

/* Sets graft->reopen; false where it can be neither, which is said. */
static bool decide(const struct plan *plan, const struct caller *caller, struct graft *graft)
{
	bool dup_only = caller_is_dup_only(caller);
	bool positioned = graft->position != FDGRAFT__PLAN_POSITION__POSITION_CALLER;
	const char *where = graft->position == FDGRAFT__PLAN_POSITION__POSITION_END ? "end" : "saved";
	int compared = COUNTED_FLAGS & ~caller_decides(caller, graft);
	bool differs = (shared_flags(caller) & compared) != (entry_flags(caller, graft) & compared);
	bool apart = caller->sharers > 1 && (graft->has_offset || caller->kind != CALLER_FILE);
	struct text have = {0}, want = {0};
	struct shown spec;

	show_spec(&spec, plan, graft->spec);
	if (positioned && graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP) {
		problem("file id %u has position %s and apply dup (spec %s): a dup would move the caller's own offset; use apply auto or reopen, or position caller",
			graft->file_id, where, spec.text);
		return false;
	}
	if (positioned && !caller->seekable && !(graft->flags & O_PATH)) {
		problem("caller fd %u cannot seek (spec %s has position %s); give a regular file, or use position caller",
			caller->number, spec.text, where);
		return false;
	}
	/* There is nothing in such a descriptor that two could get into each other's way with. */
	if (graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP || graft->flags & O_PATH)
		return true;
	if (dup_only && (graft->apply == FDGRAFT__PLAN_APPLY__APPLY_REOPEN || positioned)) {
		problem("caller fd %u is %s, which cannot be opened a second time (spec %s); use apply dup and position caller",
			caller->number, caller_kind_name(caller->kind), spec.text);
		return false;
	}
	if (caller->kind == CALLER_SOCKET)
		return true;
	graft->reopen = graft->apply == FDGRAFT__PLAN_APPLY__APPLY_REOPEN || positioned || differs || apart;
	if (!dup_only || !graft->reopen)
		return true;
	if (caller->sharers > 1)
		problem("caller fd %u is %s, and %u entries would share it, file id %u among them (spec %s): it cannot be opened a second time; use apply dup, or give each a descriptor of its own",
			caller->number, caller_kind_name(caller->kind), caller->sharers, graft->file_id, spec.text);
	else
		problem("caller fd %u is %s with status flags %s, file id %u had %s (spec %s), and it cannot be opened a second time; set these flags on it%s, or use apply dup",
			caller->number, caller_kind_name(caller->kind), flag_names(&have, (uint32_t)shared_flags(caller)), graft->file_id,
			flag_names(&want, graft->flags), spec.text,
			graft->flags & ~(uint32_t)shared_flags(caller) & O_NONBLOCK ? ", give the spec nonblock: true" : "");
	text_free(&have);
	text_free(&want);
	return false;
}

/* Only the open file itself can be made to wait or not, and others may use it. */
static void warn_of_waiting(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	bool waits = !(shared_flags(caller) & O_NONBLOCK);
	struct shown spec;

	if (graft->refused || caller->kind != CALLER_SOCKET || waits == !(graft->flags & O_NONBLOCK))
		return;
	if (graft->kind.name != KIND_SOCKET && graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP)
		return;
	show_spec(&spec, plan, graft->spec);
	if (waits)
		warning("caller fd %u has no O_NONBLOCK, file id %u had it (spec %s): the restored task may hang; set O_NONBLOCK on your socket, or give the spec nonblock: true",
			caller->number, graft->file_id, spec.text);
	else
		warning("caller fd %u %s O_NONBLOCK, file id %u had not (spec %s): the restored task may get EAGAIN; %s",
			caller->number, caller->gets_nonblock ? "gets" : "has", graft->file_id, spec.text,
			caller->gets_nonblock ? "give each entry a socket of its own" : "clear O_NONBLOCK on your socket");
}

/* A rewrite refuses apply reopen for kinds that no open(2) gives. */
static const char *way_to_signals(const struct caller *caller, const struct graft *graft)
{
	if (graft->kind.name != KIND_ANY && graft->kind.name != KIND_DIRECTORY && graft->kind.name != KIND_MEMFD)
		return "set O_ASYNC and the owner (F_SETOWN) on it after the restore";
	return caller->kind == CALLER_SOCKET ? "use apply reopen and a pipe, or set O_ASYNC on it" : "use apply reopen";
}

/* What the entry's O_ASYNC comes to here. The owner, whom CRIU sets, does not matter for it. */
static void warn_of_signals(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct shown spec;

	if (graft->refused || !(graft->flags & O_ASYNC))
		return;
	show_spec(&spec, plan, graft->spec);
	if (!graft->reopen && !(caller->flags & O_ASYNC))
		warning("caller fd %u has no O_ASYNC, file id %u had it (spec %s): as a dup it sends no signals on I/O; %s",
			caller->number, graft->file_id, spec.text, way_to_signals(caller, graft));
	if (graft->reopen && caller->kind == CALLER_FILE)
		warning("caller fd %u is a file, which sends no signals on I/O, and file id %u had O_ASYNC (spec %s); give a pipe, FIFO or terminal",
			caller->number, graft->file_id, spec.text);
}

/* -1 has said why: a system error. */
static int try_reopen(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct text flags = {0};
	struct shown spec;
	const char *way_out;
	int error, fd;

	/* Opening a device can do something, such as rewinding a tape. */
	if (!S_ISREG(caller->status.st_mode) && !caller_is_pipe(caller))
		return 0;
	fd = reopen(caller, graft);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	error = errno;
	if (error == EMFILE || error == ENFILE || error == ENOMEM) {
		message("caller fd %u: cannot open it a second time: %s", caller->number, cause_of(error));
		return -1;
	}
	way_out = "use apply dup where its flags and offset do";
	if (error == ENXIO)
		way_out = "open the FIFO's other end first, or use apply dup";
	else if (error == EPERM && is_for_appending_only(caller))
		way_out = "it has the attribute a; use apply dup, or chattr -a";
	else if (error == EPERM)
		way_out = "O_NOATIME needs the file's owner; use apply dup";
	problem("caller fd %u cannot be opened again for file id %u with status flags %s (spec %s): %s; %s",
		caller->number, graft->file_id, flag_names(&flags, (uint32_t)reopened_flags(caller, graft)), show_spec(&spec, plan, graft->spec),
		cause_of(error), way_out);
	text_free(&flags);
	return 0;
}

size_t count_reopened(const struct plan *plan)
{
	size_t count = 0;

	for (size_t i = 0; i < plan->graft_count; i++)
		count += plan->grafts[i].reopen;
	return count;
}

static void refuse_count(const struct plan *plan, size_t reopened, size_t callers)
{
	struct rlimit limit;

	if (reopened > REOPENED_MAX) {
		problem("%s: %zu placeholders have to be opened again, at most %d can be; use apply dup in their specs, or give each entry a descriptor of its own with the status flags of the entry",
			plan->shown_path, reopened, REOPENED_MAX);
		return;
	}
	if (reopened == 0 || getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_max == RLIM_INFINITY)
		return;
	if (reopened + callers + OTHER_DESCRIPTORS > limit.rlim_max)
		problem("%s: %zu reopened files and %zu caller fds need more descriptors than the hard limit of %llu allows; use apply dup in their specs, or raise the limit (ulimit -Hn)",
			plan->shown_path, reopened, callers, (unsigned long long)limit.rlim_max);
}

int choose(struct plan *plan, struct callers *callers, bool attempt)
{
	size_t reopened;

	nonblocks_mark(plan, callers);
	for (size_t i = 0; i < plan->graft_count; i++) {
		struct graft *graft = &plan->grafts[i];
		struct caller *caller = caller_find(callers, graft->caller_fd);
		int unfit;

		if (!caller) {
			message("caller fd %u is missing from the list of caller fds", graft->caller_fd);
			return -1;
		}
		graft->reopen = false;
		graft->refused = true;
		unfit = refuse_caller(plan, caller, graft);
		if (unfit == 0)
			unfit = kind_check(plan, caller, graft);
		if (unfit == 0)
			unfit = mapping_check(plan, caller, graft);
		if (unfit < 0)
			return -1;
		if (unfit)
			continue;
		graft->refused = !decide(plan, caller, graft);
		if (graft->refused)
			graft->reopen = false;
		if (refuse_access(plan, caller, graft) || refuse_lock(plan, caller, graft))
			graft->refused = true;
		warn_of_signals(plan, caller, graft);
		warn_of_waiting(plan, caller, graft);
		warn_of_seals(plan, caller, graft);
	}
	reopened = count_reopened(plan);
	refuse_count(plan, reopened, callers->count);
	if (!attempt || reopened > REOPENED_MAX)
		return 0;
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];

		if (graft->reopen && !graft->refused && try_reopen(plan, caller_find(callers, graft->caller_fd), graft))
			return -1;
	}
	return 0;
}
