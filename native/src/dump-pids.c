#include "dump-pids.h"

#include <stdlib.h>

#include "budget.h"
#include "by-value.h"
#include "exit-codes.h"
#include "image-records.h"
#include "message.h"
#include "tasks.pb-c.h"

#define PSTREE_NAME "pstree.img"
/* Linux has no more pids than that at once. */
#define PIDS_MAX ((size_t)4 << 22)

static const struct image pstree = {.name = PSTREE_NAME, .magic = 0x50273030u, .magic_name = "a pstree"};

static int add(struct dump_pids *pids, uint32_t pid)
{
	if (pids->count == pids->room) {
		size_t room = pids->room ? 2 * pids->room : 64;
		uint32_t *list = room > PIDS_MAX ? NULL : reallocarray(pids->list, room, sizeof(*list));

		if (!list) {
			message(PSTREE_NAME ": no memory for more than %zu pids", pids->count);
			return EXIT_SYSTEM;
		}
		pids->list = list;
		pids->room = room;
	}
	pids->list[pids->count++] = pid;
	return 0;
}

static int add_task(struct dump_pids *pids, const PstreeEntry *task)
{
	int code = add(pids, task->pid);

	if (code == 0 && task->pgid != task->pid)
		code = add(pids, task->pgid);
	if (code == 0 && task->sid != task->pid && task->sid != task->pgid)
		code = add(pids, task->sid);
	for (size_t i = 0; code == 0 && i < task->n_threads; i++)
		if (task->threads[i] != task->pid)
			code = add(pids, task->threads[i]);
	return code;
}

static int add_record(void *context, const unsigned char *record, size_t size, unsigned long long offset)
{
	PstreeEntry *task = pstree_entry__unpack(&budget_allocator, size, record);
	int code;

	if (!task)
		return image_damaged(&pstree, offset, "the record is not a pstree_entry message");
	code = add_task(context, task);
	pstree_entry__free_unpacked(task, &budget_allocator);
	return code;
}

int dump_pids_read(struct dump_pids *pids, const struct images *images)
{
	int code;

	*pids = (struct dump_pids){0};
	code = image_records(&pstree, images, add_record, pids);
	if (code)
		dump_pids_free(pids);
	else if (pids->count > 0)
		qsort(pids->list, pids->count, sizeof(*pids->list), by_value);
	return code;
}

bool dump_pids_have(const struct dump_pids *pids, uint32_t pid)
{
	return pids->count > 0 && bsearch(&pid, pids->list, pids->count, sizeof(pid), by_value);
}

void dump_pids_free(struct dump_pids *pids)
{
	free(pids->list);
	*pids = (struct dump_pids){0};
}
