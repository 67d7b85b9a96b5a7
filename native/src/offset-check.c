#include "offset-check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "message.h"
#include "reopen.h"

/* A file that is read and written is opened again as it was, and so without the caller's O_APPEND. */
static bool warn_of_overwriting(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct shown spec;

	if (!graft->reopen || (graft->flags & O_ACCMODE) != O_RDWR || !(caller->flags & ~reopened_flags(caller, graft) & O_APPEND))
		return false;
	warning("caller fd %u is open for appending, file id %u was not (spec %s): it is opened again without O_APPEND, and writes from offset %lld of your file on; use position saved or end, or apply dup",
		caller->number, graft->file_id, show_spec(&spec, plan, graft->spec), (long long)lseek(caller->fd, 0, SEEK_CUR));
	return true;
}

static bool appends(const struct caller *caller, const struct graft *graft)
{
	return (graft->reopen ? reopened_flags(caller, graft) : caller->flags) & O_APPEND;
}

/* A new or emptied file (`>`) has nothing to lose, and a file open for appending keeps all. Apply dup asks for your offset. */
static void warn_of_lost_content(const struct plan *plan, struct caller *caller, const struct graft *graft)
{
	off_t offset = lseek(caller->fd, 0, SEEK_CUR), size = caller->status.st_size;
	struct shown spec;

	if (graft->cuts && graft->cut_to < (uint64_t)size)
		size = (off_t)graft->cut_to;
	if ((graft->flags & O_ACCMODE) != O_WRONLY || graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP ||
	    caller->overwritten || appends(caller, graft) || offset < 0 || offset >= size)
		return;
	caller->overwritten = true;
	warning("caller fd %u is at offset %lld of a file with %lld bytes, and file id %u overwrites what is there (spec %s); open it for appending (>>)%s",
		caller->number, (long long)offset, (long long)size, graft->file_id, show_spec(&spec, plan, graft->spec),
		graft->has_offset ? ", or use position saved or end" : "");
}

/* The offset means nothing to an entry that only appends or only writes. Apply dup asks for the caller's. */
static void warn_of_reading(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	off_t offset = lseek(caller->fd, 0, SEEK_CUR);
	struct shown spec;

	if ((graft->flags & O_ACCMODE) == O_WRONLY || graft->flags & O_APPEND ||
	    graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP || graft->saved_offset == 0 ||
	    (uint64_t)offset == graft->saved_offset)
		return;
	warning("caller fd %u is at offset %lld, file id %u was at %llu (spec %s): the restored task goes on at %lld; use position saved to go on where it was, or apply dup to share your offset",
		caller->number, (long long)offset, graft->file_id, (unsigned long long)graft->saved_offset,
		show_spec(&spec, plan, graft->spec), (long long)offset);
}

/* cuts_check() says this of a file that is cut. */
static void warn_of_end(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	struct shown spec;

	if (graft->cuts || graft->flags & O_APPEND || graft->saved_offset <= (uint64_t)caller->status.st_size)
		return;
	warning("caller fd %u: its file has %lld bytes, and file id %u goes on at offset %llu (spec %s): a read there finds the end, and a write leaves zeros in between; give the file that it had, or use position caller or end",
		caller->number, (long long)caller->status.st_size, graft->file_id, (unsigned long long)graft->saved_offset,
		show_spec(&spec, plan, graft->spec));
}

static void check_graft(const struct plan *plan, struct caller *caller, const struct graft *graft)
{
	if (graft->refused || graft->own_key.text || !S_ISREG(caller->status.st_mode))
		return;
	if (graft->flags & O_PATH)
		return;
	switch (graft->position) {
	case FDGRAFT__PLAN_POSITION__POSITION_CALLER:
		warn_of_lost_content(plan, caller, graft);
		if (graft->has_offset && !warn_of_overwriting(plan, caller, graft))
			warn_of_reading(plan, caller, graft);
		break;
	case FDGRAFT__PLAN_POSITION__POSITION_SAVED:
		if (graft->has_offset)
			warn_of_end(plan, caller, graft);
		break;
	default:
		break;
	}
}

/* A caller fd of a file, among the others of that file: two numbers can be one open file, or two of one file. */
struct user {
	struct caller *caller;
	struct user *file; /* the first user of the same file */
	struct user *open; /* the first user of the same open file */
	size_t writers; /* of a first of a file: open files that only write */
	bool dups_write; /* of a first of an open file */
	/* Of a first of an open file: caller fds whose dups move its offset, at most two. */
	struct caller *movers[2];
};

struct users {
	struct user *list; /* by file and open file */
	size_t count;
};

static int by_open_file(const void *left, const void *right)
{
	return caller_compare_open_files(((const struct user *)left)->caller, ((const struct user *)right)->caller);
}

static int find_users(struct users *users, const struct callers *callers)
{
	*users = (struct users){.list = calloc(callers->count + 1, sizeof(*users->list))};
	if (!users->list) {
		message("out of memory for %zu caller fds", callers->count);
		return -1;
	}
	for (size_t i = 0; i < callers->count; i++)
		if (callers->list[i].kind == CALLER_FILE)
			users->list[users->count++].caller = &callers->list[i];
	qsort(users->list, users->count, sizeof(*users->list), by_open_file);
	for (size_t i = 0; i < users->count; i++) {
		struct user *user = &users->list[i];
		struct user *last = i > 0 ? user - 1 : NULL;

		user->file = last && caller_compare_files(last->caller, user->caller) == 0 ? last->file : user;
		user->open = last && by_open_file(last, user) == 0 ? last->open : user;
		user->caller->user = user;
	}
	return 0;
}

static struct user *user_of(const struct callers *callers, const struct graft *graft)
{
	return graft->refused || graft->flags & O_PATH ? NULL : caller_find(callers, graft->caller_fd)->user;
}

/* Entries that seek read their file too, as a rule: those that only write go on one after the other. */
static bool only_writes(const struct graft *graft)
{
	return (graft->flags & O_ACCMODE) == O_WRONLY;
}

static void warn_of_writers(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct user *user = user_of(callers, graft);

		if (!user || !only_writes(graft))
			continue;
		/* All dups have one offset. */
		if (graft->reopen || !user->open->dups_write)
			user->file->writers++;
		user->open->dups_write |= !graft->reopen;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct user *user = user_of(callers, graft);
		struct shown spec;

		if (!user || !only_writes(graft) || user->file->writers < 2 || appends(user->caller, graft) ||
		    graft->position == FDGRAFT__PLAN_POSITION__POSITION_SAVED)
			continue;
		user->file->writers = 0;
		warning("caller fd %u: file id %u (spec %s) writes to its file at an offset of its own, and overwrites what other entries write there; open it for appending, with position caller, or use apply dup",
			graft->caller_fd, graft->file_id, show_spec(&spec, plan, graft->spec));
	}
}

/* Several numbers of one open file, as 6<&5 makes them. Those who use one number get an open file each. */
static void warn_of_sharers(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		struct user *user = user_of(callers, &plan->grafts[i]);
		struct caller **movers;

		if (!user || plan->grafts[i].reopen)
			continue;
		movers = user->open->movers;
		if (!movers[0])
			movers[0] = user->caller;
		else if (movers[0] != user->caller)
			movers[1] = user->caller;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct user *user = user_of(callers, graft);
		struct shown spec;

		if (!user || graft->reopen || !graft->has_offset || only_writes(graft) ||
		    graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP || !user->open->movers[1])
			continue;
		warning("caller fds %u and %u are one open file, and file id %u reads it (spec %s) at an offset that both move; open the file once for each, use apply reopen, or use apply dup to share your offset",
			user->open->movers[0]->number, user->open->movers[1]->number, graft->file_id,
			show_spec(&spec, plan, graft->spec));
		user->open->movers[1] = NULL;
	}
}

int offsets_check(const struct plan *plan, const struct callers *callers)
{
	struct users users;

	if (find_users(&users, callers))
		return -1;
	for (size_t i = 0; i < plan->graft_count; i++)
		check_graft(plan, caller_find(callers, plan->grafts[i].caller_fd), &plan->grafts[i]);
	warn_of_writers(plan, callers);
	warn_of_sharers(plan, callers);
	for (size_t i = 0; i < users.count; i++)
		users.list[i].caller->user = NULL;
	free(users.list);
	return 0;
}
