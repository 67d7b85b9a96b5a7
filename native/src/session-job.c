#include "session-job.h"

#include <stdint.h>

#include "budget.h"
#include "image-records.h"
#include "message.h"
#include "tasks.pb-c.h"

static const struct image pstree = {.name = "pstree.img", .magic = 0x50273030u, .magic_name = "a pstree"};

struct tree {
	bool has_root;
	uint32_t pid, pgid, sid; /* of the root task, which comes first */
	bool has_member; /* another task of its session */
};

static int add_record(void *context, const unsigned char *record, size_t size, unsigned long long offset)
{
	struct tree *tree = context;
	PstreeEntry *task = pstree_entry__unpack(&budget_allocator, size, record);

	if (!task)
		return image_damaged(&pstree, offset, "the record is not a pstree_entry message");
	if (tree->has_root)
		tree->has_member = tree->has_member || task->sid == tree->sid;
	else
		*tree = (struct tree){.has_root = true, .pid = task->pid, .pgid = task->pgid, .sid = task->sid};
	pstree_entry__free_unpacked(task, &budget_allocator);
	return 0;
}

/*
 * CRIU makes the missing leader as a child of the root task, which can then be neither in its session nor in a group of that. A
 * root task with a group of its own comes back in the session of CRIU. If that is the session of the dump, all tasks do.
 */
int session_job_refuse(const struct images *images, pid_t session)
{
	struct tree tree = {0};
	int code = image_records(&pstree, images, add_record, &tree);

	if (code == 0 && tree.sid != tree.pid && (session < 0 || (uint32_t)session != tree.sid) &&
	    (tree.pgid != tree.pid || tree.has_member))
		problem("COMMAND has no --shell-job: task %u is of session %u, whose leader is not in the checkpoint, and criu would hang or fail; add --shell-job",
			tree.pid, tree.sid);
	return code;
}
