#include "offset-check.h"

#include <fcntl.h>
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

/* A new or emptied file (`>`) has nothing to lose, and a file open for appending keeps all. Apply dup asks for your offset. */
static void warn_of_lost_content(const struct plan *plan, struct caller *caller, const struct graft *graft)
{
	off_t offset = lseek(caller->fd, 0, SEEK_CUR), size = caller->status.st_size;
	struct shown spec;

	if (graft->cuts && graft->cut_to < (uint64_t)size)
		size = (off_t)graft->cut_to;
	if ((graft->flags & O_ACCMODE) != O_WRONLY || graft->apply == FDGRAFT__PLAN_APPLY__APPLY_DUP ||
	    caller->overwritten || graft_appends(caller, graft) || offset < 0 || offset >= size)
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

void offsets_check(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++)
		check_graft(plan, caller_find(callers, plan->grafts[i].caller_fd), &plan->grafts[i]);
}
