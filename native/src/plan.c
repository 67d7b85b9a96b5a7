#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "budget.h"
#include "escape.h"
#include "field-numbers.h"
#include "message.h"
#include "open-regular.h"

#define IMG_COMMON 0x54564319u
#define PLAN_MAGIC 0x50474446u
#define FRAME_SIZE 4

static uint32_t u32_at(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* Grows with what is really read: a size that a file claims is not believed. */
static enum plan_found read_whole(struct plan *plan, int fd)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (plan->size == room) {
			unsigned char *bytes;

			room = room ? 2 * room : (size_t)64 << 10;
			bytes = realloc(plan->bytes, room);
			if (!bytes) {
				message("%s: out of memory after %zu bytes", plan->shown_path, plan->size);
				return PLAN_SYSTEM;
			}
			plan->bytes = bytes;
		}
		got = read(fd, plan->bytes + plan->size, room - plan->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			message("%s: cannot read: %s", plan->shown_path, cause_of(errno));
			return PLAN_SYSTEM;
		}
		if (got == 0)
			return PLAN_FOUND;
		plan->size += (size_t)got;
		if (plan->size > PLAN_SIZE_MAX) {
			message("%s: larger than %d bytes, the limit for a plan; write fewer placeholders into one plan",
				plan->shown_path, PLAN_SIZE_MAX);
			return PLAN_UNUSABLE;
		}
	}
}

static enum plan_found check_magics(const struct plan *plan)
{
	if (plan->size > 0 && plan->bytes[0] == '{') {
		message("%s: this is the JSON form, which is for reading; give the image directory or its " PLAN_NAME " instead",
			plan->shown_path);
		return PLAN_UNUSABLE;
	}
	if (plan->size < 2 * FRAME_SIZE) {
		message("%s: ends after %zu bytes, within its magic numbers; write it again with fdgraft rewrite",
			plan->shown_path, plan->size);
		return PLAN_UNUSABLE;
	}
	if (u32_at(plan->bytes) != IMG_COMMON || u32_at(plan->bytes + FRAME_SIZE) != PLAN_MAGIC) {
		message("%s: not a plan: begins with 0x%08x 0x%08x, a plan with 0x%08x 0x%08x; give the image directory or its " PLAN_NAME,
			plan->shown_path, u32_at(plan->bytes), u32_at(plan->bytes + FRAME_SIZE), IMG_COMMON, PLAN_MAGIC);
		return PLAN_UNUSABLE;
	}
	return PLAN_FOUND;
}

/* Steps over one record. -1 has said why. */
static int next_record(const struct plan *plan, size_t *offset, const unsigned char **record, size_t *size)
{
	size_t left = plan->size - *offset;
	uint32_t claimed;

	if (left < FRAME_SIZE) {
		message("%s: byte %zu: a record's size needs %d bytes, %zu are left; the file is cut short, write it again with fdgraft rewrite",
			plan->shown_path, *offset, FRAME_SIZE, left);
		return -1;
	}
	claimed = u32_at(plan->bytes + *offset);
	if (claimed > left - FRAME_SIZE) {
		message("%s: byte %zu: a record of %u bytes, %zu are left; the file is cut short or damaged, write it again with fdgraft rewrite",
			plan->shown_path, *offset, claimed, left - FRAME_SIZE);
		return -1;
	}
	*record = plan->bytes + *offset + FRAME_SIZE;
	*size = claimed;
	*offset += FRAME_SIZE + claimed;
	return 0;
}

enum plan_found plan_parse(struct plan *plan)
{
	enum plan_found found = check_magics(plan);
	size_t offset = 2 * FRAME_SIZE;
	const unsigned char *record;
	struct sha256 hash;
	size_t size;

	if (found != PLAN_FOUND)
		return found;
	sha256_start(&hash);
	sha256_add(&hash, plan->bytes, plan->size);
	sha256_end(&hash, plan->digest);
	if (next_record(plan, &offset, &record, &size))
		return PLAN_UNUSABLE;
	plan->head = fdgraft__plan_head__unpack(&budget_allocator, size, record);
	if (!plan->head || !field_numbers_are_valid(&plan->head->base)) {
		message("%s: byte %d: the head record is not a plan_head message; write the plan again with fdgraft rewrite",
			plan->shown_path, 2 * FRAME_SIZE);
		return PLAN_UNUSABLE;
	}
	plan->first_placeholder = offset;
	return plan_check(plan) ? PLAN_UNUSABLE : PLAN_FOUND;
}

int plan_each(const struct plan *plan, plan_visitor *visit, void *context)
{
	size_t offset = plan->first_placeholder;

	for (size_t number = 0; number < plan->head->placeholders; number++) {
		Fdgraft__PlanPlaceholder *placeholder;
		const unsigned char *record;
		size_t begin = offset;
		size_t size;
		int result;

		if (next_record(plan, &offset, &record, &size))
			return -1;
		placeholder = fdgraft__plan_placeholder__unpack(&budget_allocator, size, record);
		if (!placeholder || !field_numbers_are_valid(&placeholder->base)) {
			fdgraft__plan_placeholder__free_unpacked(placeholder, &budget_allocator);
			message("%s: byte %zu: placeholder %zu is not a plan_placeholder message; write the plan again with fdgraft rewrite",
				plan->shown_path, begin, number);
			return -1;
		}
		result = visit(context, placeholder, number, begin);
		fdgraft__plan_placeholder__free_unpacked(placeholder, &budget_allocator);
		if (result)
			return result;
	}
	if (offset != plan->size) {
		message("%s: byte %zu: %zu bytes follow the last of %u placeholders; write the plan again with fdgraft rewrite",
			plan->shown_path, offset, plan->size - offset, plan->head->placeholders);
		return -1;
	}
	return 0;
}

enum plan_found plan_read(struct plan *plan, int fd)
{
	enum plan_found found;
	struct stat status;

	if (fstat(fd, &status)) {
		message("%s: cannot stat: %s", plan->shown_path, cause_of(errno));
		return PLAN_SYSTEM;
	}
	if (!S_ISREG(status.st_mode)) {
		message("%s: not a regular file; give the image directory or its " PLAN_NAME, plan->shown_path);
		return PLAN_UNUSABLE;
	}
	found = read_whole(plan, fd);
	return found == PLAN_FOUND ? plan_parse(plan) : found;
}

int plan_keep_shown_path(struct plan *plan, const char *shown_path)
{
	plan->shown_path = strdup(shown_path);
	if (plan->shown_path)
		return 0;
	message("out of memory");
	return -1;
}

enum plan_found plan_open_in(struct plan *plan, int directory, const char *shown_path)
{
	enum plan_found found;
	int fd;

	*plan = (struct plan){0};
	fd = open_regular(directory, PLAN_NAME, O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return PLAN_MISSING;
	if (fd < 0) {
		found = errno == ELOOP ? PLAN_UNUSABLE : PLAN_SYSTEM;
		message("%s: cannot open: %s%s", shown_path,
			errno == ELOOP ? "it is a symbolic link, a plan is a regular file" : cause_of(errno),
			errno == EACCES ? "; run this as the owner of the file, or as root" : "");
		return found;
	}
	found = plan_keep_shown_path(plan, shown_path) ? PLAN_SYSTEM : plan_read(plan, fd);
	close(fd);
	if (found != PLAN_FOUND)
		plan_free(plan);
	return found;
}

const char *show_spec(struct shown *shown, const struct plan *plan, uint32_t spec)
{
	return show_printed(shown, plan->head->specs[spec]->text);
}

const char *show_unread_key(struct shown *shown, const struct plan *plan, const struct unread_bytes *bytes)
{
	return show_printed(shown, plan->grafts[bytes->graft].unread_key);
}

void plan_free(struct plan *plan)
{
	if (plan->head)
		fdgraft__plan_head__free_unpacked(plan->head, &budget_allocator);
	free(plan->shown_path);
	free(plan->bytes);
	for (size_t i = 0; i < plan->graft_count; i++) {
		kind_free(&plan->grafts[i].kind);
		own_key_free(&plan->grafts[i].own_key);
		free(plan->grafts[i].unread_key);
	}
	free(plan->grafts);
	free(plan->unread);
	free(plan->tasks);
	*plan = (struct plan){0};
}
