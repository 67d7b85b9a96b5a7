/* The reading of a plan (plan.c, plan-check.c, credentials.c, own-key.c, kind.c) and the tasks in it (targets.c). */
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "exit-codes.h"
#include "message.h"
#include "support.h"
#include "targets.h"

#define PIDS_MAX 64

const struct fuzz_layout fuzz_layout = {.is_framed = true, .is_plan = true};

/* What a caller of plan_read() may rely on. */
static void check_grafts(const struct plan *plan)
{
	MUST(plan->graft_count == plan->head->placeholders);
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];

		MUST(i == 0 || graft->file_id > plan->grafts[i - 1].file_id);
		MUST(graft->spec < plan->head->n_specs && graft->caller_fd == plan->head->specs[graft->spec]->caller_fd);
		MUST(graft->caller_fd <= FD_NUMBER_MAX);
		MUST(graft->saved_offset <= OFFSET_MAX || graft->position != FDGRAFT__PLAN_POSITION__POSITION_SAVED);
		MUST(!graft->cuts || graft->cut_to <= OFFSET_MAX);
		MUST(graft->pipe_size <= PIPE_CAPACITY_MAX);
		MUST(graft->own_key.mapped <= OFFSET_MAX);
		MUST(!graft->own_key.text || strlen(graft->own_key.text) <= 31);
		MUST(!graft->own_key.controlling || graft->own_key.session != 0);
		MUST((graft->kind.bound != NULL) == (graft->kind.bound_length > 0));
	}
	for (size_t i = 0; i < plan->unread_count; i++) {
		const struct unread_bytes *bytes = &plan->unread[i];

		MUST(bytes->graft < plan->graft_count && plan->grafts[bytes->graft].needs_read);
		MUST(bytes->bytes > 0 && bytes->bytes <= OFFSET_MAX && bytes->offset <= OFFSET_MAX - bytes->bytes);
		MUST(is_image_name(bytes->image) && plan->grafts[bytes->graft].unread_key);
	}
	for (size_t i = 0; i < plan->head->n_images; i++)
		MUST(!strchr(plan->head->images[i]->name, '/'));
	for (size_t i = 0; i < plan->task_count; i++)
		MUST(credentials_of(plan, plan->tasks[i].pid) == &plan->tasks[i]);
}

struct seen {
	uint32_t pids[PIDS_MAX];
	size_t pid_count;
	size_t placeholders;
	uint8_t *packed; /* the plan, written again */
	size_t size;
};

static void add_record(struct seen *seen, const ProtobufCMessage *message)
{
	size_t size = protobuf_c_message_get_packed_size(message);

	seen->packed = realloc(seen->packed, seen->size + 4 + size);
	MUST(seen->packed);
	for (int i = 0; i < 4; i++)
		seen->packed[seen->size + (size_t)i] = (uint8_t)(size >> 8 * i);
	MUST(protobuf_c_message_pack(message, seen->packed + seen->size + 4) == size);
	seen->size += 4 + size;
}

static int see(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset)
{
	struct seen *seen = context;

	(void)offset;
	MUST(number == seen->placeholders++);
	for (size_t i = 0; i < placeholder->n_references; i++) {
		const Fdgraft__PlanReference *reference = placeholder->references[i];
		bool has_pids = reference->holder_case == FDGRAFT__PLAN_REFERENCE__HOLDER_DESCRIPTOR;

		for (size_t k = 0; has_pids && k < reference->descriptor->n_pids && seen->pid_count < PIDS_MAX; k++)
			seen->pids[seen->pid_count++] = reference->descriptor->pids[k];
	}
	add_record(seen, &placeholder->base);
	return 0;
}

/* A plan that is taken is taken again when it is written in the usual encoding, and says the same. */
static void check_again(const struct plan *plan, const struct seen *seen)
{
	struct plan again;

	MUST(plan_of(&again, seen->packed, seen->size) == PLAN_FOUND);
	MUST(again.graft_count == plan->graft_count && again.unread_count == plan->unread_count);
	MUST(again.task_count == plan->task_count && again.head->n_specs == plan->head->n_specs);
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *a = &plan->grafts[i];
		const struct graft *b = &again.grafts[i];

		MUST(a->file_id == b->file_id && a->caller_fd == b->caller_fd && a->spec == b->spec && a->flags == b->flags);
		MUST(a->saved_offset == b->saved_offset && a->cuts == b->cuts && a->cut_to == b->cut_to);
		MUST(a->needs_read == b->needs_read && a->needs_write == b->needs_write && a->watched == b->watched);
		MUST(a->pipe_size == b->pipe_size && a->kind.name == b->kind.name && a->apply == b->apply);
		MUST(a->position == b->position && a->own_key.repeated == b->own_key.repeated);
	}
	for (size_t i = 0; i < plan->unread_count; i++)
		MUST(plan->unread[i].offset == again.unread[i].offset && plan->unread[i].bytes == again.unread[i].bytes);
	plan_free(&again);
}

/* Each task of the plan has targets, ascending and each once; one that it has not has none. */
static void check_targets(const struct plan *plan, const struct seen *seen)
{
	struct targets targets;

	for (size_t i = 0; i < seen->pid_count; i++) {
		int code = targets_collect(&targets, plan, seen->pids[i]);

		/* A task of two tables can have one number twice. */
		MUST(code == 0 || code == EXIT_UNUSABLE);
		for (size_t k = 0; k < targets.count; k++) {
			MUST(targets.list[k].graft < plan->graft_count && targets.list[k].fd <= FD_NUMBER_MAX);
			MUST(k == 0 || targets.list[k].fd > targets.list[k - 1].fd);
		}
		MUST((code == 0) == (targets.count > 0));
		targets_free(&targets);
	}
	MUST(targets_collect(&targets, plan, 0) == EXIT_UNUSABLE);
	targets_free(&targets);
}

static void check_all(const struct plan *plan)
{
	struct seen seen = {.packed = malloc(8), .size = 8};
	struct shown shown;

	MUST(seen.packed);
	memcpy(seen.packed, plan->bytes, 8);
	check_grafts(plan);
	for (size_t i = 0; i < plan->head->n_specs; i++)
		MUST(strlen(show_spec(&shown, plan, (uint32_t)i)) < SHOWN_MAX);
	add_record(&seen, &plan->head->base);
	MUST(plan_each(plan, see, &seen) == 0 && seen.placeholders == plan->graft_count);
	check_again(plan, &seen);
	check_targets(plan, &seen);
	free(seen.packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	enum plan_found found;
	struct plan plan;

	fuzz_begin();
	found = plan_of(&plan, bytes, size);
	MUST(found == PLAN_FOUND || found == PLAN_UNUSABLE);
	MUST((found == PLAN_FOUND) == (said_count() == 0));
	if (found == PLAN_FOUND)
		check_all(&plan);
	plan_free(&plan);
	fuzz_end();
	return 0;
}
