/* Every value of a plan that the executor acts on, checked before anything is done with it. An absent one is 0. */
#include "plan.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "escape.h"
#include "message.h"

/* fdgraft rewrite counts with these, and refuses what would not fit. */
_Static_assert(sizeof(Fdgraft__PlanPlaceholder) <= UNPACKED_RECORD_MAX, "a placeholder is larger than its limit");
_Static_assert(sizeof(Fdgraft__PlanHead) <= UNPACKED_RECORD_MAX, "the head is larger than its limit");

bool is_image_name(const char *name)
{
	return name[0] != '\0' && strlen(name) <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

static int check_image(const struct plan *plan, const Fdgraft__PlanImage *image, size_t number)
{
	struct shown shown;

	if (!is_image_name(image->name) || strcmp(image->name, PLAN_NAME) == 0) {
		message("%s: head, image %zu: \"%s\" is not the name of an image in the directory; " PLAN_AGAIN, plan->shown_path,
			number, show_raw(&shown, image->name));
		return -1;
	}
	/* So that no image is hashed again and again. */
	if (number > 0 && strcmp(plan->head->images[number - 1]->name, image->name) >= 0) {
		message("%s: head, image %zu (%s): it is named twice, or not in the order of names; " PLAN_AGAIN, plan->shown_path,
			number, show_raw(&shown, image->name));
		return -1;
	}
	if (image->before.len != SHA256_SIZE || image->after.len != SHA256_SIZE) {
		message("%s: head, image %zu (%s): digests of %zu and %zu bytes, SHA-256 has %d; " PLAN_AGAIN, plan->shown_path,
			number, show_raw(&shown, image->name), image->before.len, image->after.len, SHA256_SIZE);
		return -1;
	}
	return 0;
}

static int check_fd_number(const struct plan *plan, uint32_t fd, const char *what, size_t number)
{
	if (fd <= FD_NUMBER_MAX)
		return 0;
	message("%s: %s %zu: descriptor %u, at most %u is possible; " PLAN_AGAIN, plan->shown_path, what, number, fd,
		FD_NUMBER_MAX);
	return -1;
}

static int check_head(const struct plan *plan)
{
	const Fdgraft__PlanHead *head = plan->head;

	if (head->format < 1 || head->format > PLAN_FORMAT) {
		message("%s: head: format %u, this fdgraft-exec reads formats 1 to %d; use fdgraft-exec and fdgraft.so of the fdgraft that wrote it, or newer ones",
			plan->shown_path, head->format, PLAN_FORMAT);
		return -1;
	}
	for (size_t i = 0; i < head->n_images; i++)
		if (check_image(plan, head->images[i], i))
			return -1;
	for (size_t i = 0; i < head->n_specs; i++)
		if (check_fd_number(plan, head->specs[i]->caller_fd, "head, spec", i))
			return -1;
	for (size_t i = 0; i < head->n_debugs; i++)
		if (check_fd_number(plan, head->debugs[i]->caller_fd, "head, debug spec", i))
			return -1;
	return 0;
}

/* The images that hold bytes which the executor can write. */
static const char *const unread_images[] = {"pipes-data.img", "fifo-data.img"};

/* A descriptor of a table, and the placeholder that it is of. */
struct place {
	uint32_t table;
	uint32_t fd;
	uint32_t graft; /* index into plan->grafts */
};

struct collecting {
	struct plan *plan;
	size_t room;
	size_t unread_room;
	struct place *places;
	size_t place_count;
	size_t place_room;
};

static int add_place(struct collecting *collecting, struct place place)
{
	if (collecting->place_count == collecting->place_room) {
		size_t room = collecting->place_room ? 2 * collecting->place_room : 64;
		struct place *places = reallocarray(collecting->places, room, sizeof(*places));

		if (!places) {
			message("%s: out of memory at placeholder %u", collecting->plan->shown_path, place.graft);
			return -1;
		}
		collecting->places = places;
		collecting->place_room = room;
	}
	collecting->places[collecting->place_count++] = place;
	return 0;
}

static int by_place(const void *left, const void *right)
{
	const struct place *a = left;
	const struct place *b = right;

	if (a->table != b->table)
		return a->table > b->table ? 1 : -1;
	if (a->fd != b->fd)
		return a->fd > b->fd ? 1 : -1;
	return (a->graft > b->graft) - (a->graft < b->graft);
}

/* CRIU fails on a number that is taken already. */
static int refuse_repeated(const struct collecting *collecting)
{
	const struct plan *plan = collecting->plan;
	const struct place *places = collecting->places;

	if (collecting->place_count > 0)
		qsort(collecting->places, collecting->place_count, sizeof(*places), by_place);
	for (size_t i = 1; i < collecting->place_count; i++)
		if (places[i].table == places[i - 1].table && places[i].fd == places[i - 1].fd) {
			message("%s: descriptor table %u has descriptor %u twice, of file ids %u and %u; " PLAN_AGAIN,
				plan->shown_path, places[i].table, places[i].fd, plan->grafts[places[i - 1].graft].file_id,
				plan->grafts[places[i].graft].file_id);
			return -1;
		}
	return 0;
}

static int check_references(struct collecting *collecting, const Fdgraft__PlanPlaceholder *placeholder, size_t number)
{
	const struct plan *plan = collecting->plan;

	for (size_t i = 0; i < placeholder->n_references; i++) {
		const Fdgraft__PlanReference *reference = placeholder->references[i];
		const Fdgraft__PlanDescriptor *descriptor = reference->descriptor;

		if (reference->holder_case == FDGRAFT__PLAN_REFERENCE__HOLDER_SCM_RIGHT && reference->scm_right)
			continue;
		if (reference->holder_case != FDGRAFT__PLAN_REFERENCE__HOLDER_DESCRIPTOR || !descriptor) {
			message("%s: placeholder %zu, reference %zu: neither a descriptor nor an SCM right; " PLAN_AGAIN,
				plan->shown_path, number, i);
			return -1;
		}
		if (check_fd_number(plan, descriptor->fd, "a descriptor of placeholder", number) ||
		    add_place(collecting, (struct place){descriptor->table, descriptor->fd, (uint32_t)number}))
			return -1;
		for (size_t k = 0; k < descriptor->n_pids; k++)
			if (descriptor->pids[k] == 0 || descriptor->pids[k] > PID_NUMBER_MAX) {
				message("%s: placeholder %zu, reference %zu: pid %u, allowed is 1 to %d; " PLAN_AGAIN,
					plan->shown_path, number, i, descriptor->pids[k], PID_NUMBER_MAX);
				return -1;
			}
	}
	return 0;
}

static const char *unread_image(const char *name)
{
	for (size_t i = 0; i < sizeof(unread_images) / sizeof(unread_images[0]); i++)
		if (strcmp(name, unread_images[i]) == 0)
			return unread_images[i];
	return NULL;
}

static int add_unread(struct collecting *collecting, struct unread_bytes bytes)
{
	struct plan *plan = collecting->plan;

	if (plan->unread_count == collecting->unread_room) {
		size_t room = collecting->unread_room ? 2 * collecting->unread_room : 16;
		struct unread_bytes *list = reallocarray(plan->unread, room, sizeof(*list));

		if (!list)
			return -1;
		plan->unread = list;
		collecting->unread_room = room;
	}
	plan->unread[plan->unread_count++] = bytes;
	return 0;
}

/* Bytes that the executor has to write. */
static int collect_replay(struct collecting *collecting, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t i)
{
	const Fdgraft__PlanInFlight *bytes = placeholder->in_flight[i];
	const struct plan *plan = collecting->plan;
	const char *image = unread_image(bytes->image);
	const char *wrong = NULL;
	struct shown shown;

	if (!image)
		wrong = "it is not one whose bytes can be written: those are pipes-data.img and fifo-data.img";
	else if (bytes->bytes > OFFSET_MAX || bytes->offset > OFFSET_MAX - bytes->bytes)
		wrong = "the bytes end past the largest possible file";
	else if (!placeholder->needs_read)
		wrong = "they are for an entry that nothing reads";
	if (wrong) {
		message("%s: placeholder %zu, unread bytes %zu (%s): %s; " PLAN_AGAIN, plan->shown_path, number, i,
			show_raw(&shown, bytes->image), wrong);
		return -1;
	}
	if (add_unread(collecting,
			  (struct unread_bytes){
				  .graft = (uint32_t)number,
				  .pipe_id = placeholder->was->pipe_id,
				  .image = image,
				  .offset = bytes->offset,
				  .bytes = bytes->bytes,
			  })) {
		message("%s: out of memory at placeholder %zu", plan->shown_path, number);
		return -1;
	}
	return 0;
}

static int check_unread(struct collecting *collecting, const Fdgraft__PlanPlaceholder *placeholder, size_t number)
{
	const struct plan *plan = collecting->plan;

	for (size_t i = 0; i < placeholder->n_in_flight; i++) {
		const Fdgraft__PlanInFlight *bytes = placeholder->in_flight[i];
		struct shown shown;

		if (!is_image_name(bytes->image)) {
			message("%s: placeholder %zu, unread bytes %zu: \"%s\" is not the name of an image in the directory; " PLAN_AGAIN,
				plan->shown_path, number, i, show_raw(&shown, bytes->image));
			return -1;
		}
		if (bytes->fate != FDGRAFT__PLAN_FATE__FATE_REPLAY && bytes->fate != FDGRAFT__PLAN_FATE__FATE_DROP) {
			message("%s: placeholder %zu, unread bytes %zu: fate %d, known are 0 (replay) and 1 (drop); " PLAN_AGAIN,
				plan->shown_path, number, i, (int)bytes->fate);
			return -1;
		}
		if (bytes->fate == FDGRAFT__PLAN_FATE__FATE_REPLAY && bytes->bytes > 0 &&
		    collect_replay(collecting, placeholder, number, i))
			return -1;
	}
	return 0;
}

static bool is_pipe(const Fdgraft__PlanPlaceholder *placeholder)
{
	return strcmp(placeholder->was->type, "PIPE") == 0 || strcmp(placeholder->was->type, "FIFO") == 0;
}

static bool is_file(const Fdgraft__PlanPlaceholder *placeholder)
{
	return placeholder->was->has_offset &&
	       (strcmp(placeholder->was->type, "REG") == 0 || strcmp(placeholder->was->type, "MEMFD") == 0);
}

/* The plans of format 1 have it with the unread bytes alone. */
static uint32_t pipe_size(const Fdgraft__PlanPlaceholder *placeholder)
{
	uint32_t size = placeholder->pipe_size;

	for (size_t i = 0; i < placeholder->n_in_flight; i++) {
		const Fdgraft__PlanInFlight *bytes = placeholder->in_flight[i];

		if (bytes->pipe_size > size)
			size = bytes->pipe_size;
	}
	return size;
}

/* Says what is wrong with what the executor changes about the caller's file or pipe. */
static const char *wrong_size(const Fdgraft__PlanPlaceholder *placeholder)
{
	if (placeholder->has_truncate_to && strcmp(placeholder->was->type, "REG") != 0)
		return "it truncates, and only an entry of type REG can";
	if (placeholder->truncate_to > OFFSET_MAX)
		return "the size that it truncates to is past the largest possible file";
	if (placeholder->has_pipe_size && !is_pipe(placeholder))
		return "it has the size of a pipe, and only entries of types PIPE and FIFO do";
	if (pipe_size(placeholder) > PIPE_CAPACITY_MAX)
		return "the size of its pipe is past the largest possible one";
	return NULL;
}

/* Says what is wrong with the values that choose() and reopen() use. */
static const char *wrong_value(const struct plan *plan, const Fdgraft__PlanPlaceholder *placeholder)
{
	if (placeholder->spec >= plan->head->n_specs)
		return "its spec is not in the head's list";
	if (placeholder->caller_fd != plan->head->specs[placeholder->spec]->caller_fd)
		return "its caller fd is not that of its spec";
	if (placeholder->apply != FDGRAFT__PLAN_APPLY__APPLY_AUTO && placeholder->apply != FDGRAFT__PLAN_APPLY__APPLY_DUP &&
	    placeholder->apply != FDGRAFT__PLAN_APPLY__APPLY_REOPEN)
		return "its apply is none of 0 (auto), 1 (dup), 2 (reopen)";
	if (placeholder->set_nonblock && !(placeholder->was->flags & O_NONBLOCK))
		return "it sets O_NONBLOCK, and its entry had not";
	/* No flag of such a descriptor can be set, which would be found when all tasks are restored. */
	if (placeholder->set_nonblock && placeholder->was->flags & O_PATH)
		return "it sets O_NONBLOCK, and its entry was open with O_PATH";
	switch (placeholder->position) {
	case FDGRAFT__PLAN_POSITION__POSITION_CALLER:
	case FDGRAFT__PLAN_POSITION__POSITION_END:
		return NULL;
	case FDGRAFT__PLAN_POSITION__POSITION_SAVED:
		if (!placeholder->was->has_offset)
			return "its position is the saved one, and none was saved";
		if (placeholder->was->offset > OFFSET_MAX)
			return "its saved offset is past the largest possible one";
		return NULL;
	default:
		return "its position is none of 0 (caller), 1 (saved), 2 (end)";
	}
}

/* Reads what the placeholder has besides numbers into the graft, and says what is wrong with all of it. */
static const char *read_values(struct graft *graft, const struct plan *plan, const Fdgraft__PlanPlaceholder *placeholder)
{
	const char *wrong = wrong_value(plan, placeholder);

	if (!wrong)
		wrong = wrong_size(placeholder);
	if (!wrong && plan->graft_count > 0 && placeholder->file_id <= plan->grafts[plan->graft_count - 1].file_id)
		wrong = "its file id is not greater than the one before";
	if (!wrong)
		wrong = kind_read(&graft->kind, placeholder->kind);
	if (!wrong)
		wrong = own_key_read(&graft->own_key, placeholder);
	return wrong;
}

static int make_room(struct collecting *collecting)
{
	struct plan *plan = collecting->plan;
	size_t room = collecting->room ? 2 * collecting->room : 64;
	struct graft *grafts;

	if (plan->graft_count < collecting->room)
		return 0;
	grafts = reallocarray(plan->grafts, room, sizeof(*grafts));
	if (!grafts)
		return -1;
	plan->grafts = grafts;
	collecting->room = room;
	return 0;
}

static void free_graft(struct graft *graft)
{
	kind_free(&graft->kind);
	own_key_free(&graft->own_key);
	free(graft->unread_key);
}

/* One key for all records of the placeholder: a copy for each would be many times as large as the plan. */
static int keep_unread_key(struct graft *graft, const struct plan *plan, const Fdgraft__PlanPlaceholder *placeholder)
{
	graft->gets_unread = plan->unread_count > 0 && plan->unread[plan->unread_count - 1].graft == plan->graft_count;
	if (!graft->gets_unread)
		return 0;
	graft->unread_key = strdup(placeholder->was->key);
	return graft->unread_key ? 0 : -1;
}

static int collect(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset)
{
	struct collecting *collecting = context;
	struct plan *plan = collecting->plan;
	struct graft graft = {
		.file_id = placeholder->file_id,
		.caller_fd = placeholder->caller_fd,
		.spec = placeholder->spec,
		.flags = placeholder->was->flags,
		.has_offset = is_file(placeholder),
		.saved_offset = placeholder->was->offset,
		.needs_read = placeholder->needs_read,
		.needs_write = placeholder->needs_write,
		.watched = placeholder->watched,
		.cuts = placeholder->has_truncate_to,
		.cut_to = placeholder->truncate_to,
		.set_nonblock = placeholder->set_nonblock,
		.pipe_size = pipe_size(placeholder),
		.apply = placeholder->apply,
		.position = placeholder->position,
	};
	const char *wrong = read_values(&graft, plan, placeholder);

	if (wrong) {
		message("%s: byte %zu: placeholder %zu (file id %u): %s; " PLAN_AGAIN, plan->shown_path, offset, number,
			placeholder->file_id, wrong);
		goto failed;
	}
	if (check_references(collecting, placeholder, number) || check_unread(collecting, placeholder, number))
		goto failed;
	if (keep_unread_key(&graft, plan, placeholder) || make_room(collecting)) {
		message("%s: out of memory at placeholder %zu", plan->shown_path, number);
		goto failed;
	}
	plan->grafts[plan->graft_count++] = graft;
	return 0;
failed:
	free_graft(&graft);
	return -1;
}

int plan_check(struct plan *plan)
{
	struct collecting collecting = {.plan = plan};
	bool refused = check_head(plan) || credentials_check(plan) || plan_each(plan, collect, &collecting) ||
		       refuse_repeated(&collecting) || own_keys_check(plan);

	free(collecting.places);
	return refused ? -1 : 0;
}
