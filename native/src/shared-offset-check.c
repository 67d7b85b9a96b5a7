#include "shared-offset-check.h"

#include <fcntl.h>
#include <stdlib.h>

#include "message.h"
#include "reopen.h"

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
	const struct callers *callers;
	struct user *list; /* by file and open file */
	size_t count;
	struct user **of_callers; /* in the order of the callers, NULL for what is no file */
};

static int by_open_file(const void *left, const void *right)
{
	return caller_compare_open_files(((const struct user *)left)->caller, ((const struct user *)right)->caller);
}

static int find_users(struct users *users, const struct callers *callers)
{
	*users = (struct users){
		.callers = callers,
		.list = calloc(callers->count + 1, sizeof(*users->list)),
		.of_callers = calloc(callers->count + 1, sizeof(*users->of_callers)),
	};
	if (!users->list || !users->of_callers) {
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
		users->of_callers[user->caller - callers->list] = user;
	}
	return 0;
}

static struct user *user_of(const struct users *users, const struct graft *graft)
{
	if (graft->refused || graft->flags & O_PATH)
		return NULL;
	return users->of_callers[caller_find(users->callers, graft->caller_fd) - users->callers->list];
}

/* Entries that seek read their file too, as a rule: those that only write go on one after the other. */
static bool only_writes(const struct graft *graft)
{
	return (graft->flags & O_ACCMODE) == O_WRONLY;
}

static void warn_of_writers(const struct plan *plan, const struct users *users)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct user *user = user_of(users, graft);

		if (!user || !only_writes(graft))
			continue;
		/* All dups have one offset. */
		if (graft->reopen || !user->open->dups_write)
			user->file->writers++;
		user->open->dups_write |= !graft->reopen;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct user *user = user_of(users, graft);
		struct shown spec;

		if (!user || !only_writes(graft) || user->file->writers < 2 || graft_appends(user->caller, graft) ||
		    graft->position == FDGRAFT__PLAN_POSITION__POSITION_SAVED)
			continue;
		user->file->writers = 0;
		warning("caller fd %u: file id %u (spec %s) writes to its file at an offset of its own, and overwrites what other entries write there; open it for appending, with position caller, or use apply dup",
			graft->caller_fd, graft->file_id, show_spec(&spec, plan, graft->spec));
	}
}

/* Several numbers of one open file, as 6<&5 makes them. Those who use one number get an open file each. */
static void warn_of_sharers(const struct plan *plan, const struct users *users)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		struct user *user = user_of(users, &plan->grafts[i]);
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
		struct user *user = user_of(users, graft);
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

int shared_offsets_check(const struct plan *plan, const struct callers *callers)
{
	struct users users;
	int result = find_users(&users, callers);

	if (!result) {
		warn_of_writers(plan, &users);
		warn_of_sharers(plan, &users);
	}
	free(users.of_callers);
	free(users.list);
	return result;
}
