#include "archive-plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "escape.h"
#include "exit-codes.h"
#include "message.h"
#include "tar.h"
#include "write-signals.h"

#define CHUNK ((size_t)64 << 10)
/* pstree.img of a million tasks. */
#define KEPT_SIZE_MAX ((uint64_t)64 << 20)
/* A checkpoint has one; an archive of several is no rewritten one. */
#define PLACES_MAX 8
#define FETCH_AGAIN "; write the archive again with fdgraft rewrite"

/* A directory in the archive with images that the launcher may need. */
struct place {
	char *directory; /* "" or with a slash at its end */
	int kept[KEPT_COUNT];
};

struct reading {
	struct plan *plan;
	struct tar tar;
	const char *shown_path;
	char *plan_directory; /* NULL: no plan yet */
	struct place places[PLACES_MAX];
	size_t place_count;
};

static enum plan_found said(enum tar_found found)
{
	return found == TAR_MEMBER || found == TAR_END ? PLAN_FOUND : found == TAR_SYSTEM ? PLAN_SYSTEM : PLAN_UNUSABLE;
}

static enum plan_found out_of_memory(void)
{
	message("out of memory");
	return PLAN_SYSTEM;
}

static struct place *place_of(struct reading *reading, const char *directory)
{
	struct place *place;

	for (size_t i = 0; i < reading->place_count; i++)
		if (strcmp(reading->places[i].directory, directory) == 0)
			return &reading->places[i];
	if (reading->place_count == PLACES_MAX) {
		message("%s: has images in more than %d directories; give the archive that fdgraft rewrite wrote", reading->shown_path,
			PLACES_MAX);
		return NULL;
	}
	place = &reading->places[reading->place_count];
	*place = (struct place){.directory = strdup(directory), .kept = {-1, -1}};
	if (!place->directory) {
		(void)out_of_memory();
		return NULL;
	}
	reading->place_count++;
	return place;
}

static enum plan_found write_whole(int fd, const unsigned char *bytes, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, bytes, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			message("cannot keep an image in memory: %s", cause_of(errno));
			return PLAN_SYSTEM;
		}
		bytes += written;
		size -= (size_t)written;
	}
	return PLAN_FOUND;
}

/* Tells *found apart from what the reader has said: a cut off archive is said here. */
static enum plan_found content_ended(const struct reading *reading, enum tar_found found)
{
	if (found == TAR_CUT_OFF)
		message("%s: byte %llu of the tar: the archive is cut off" FETCH_AGAIN, reading->shown_path,
			(unsigned long long)reading->tar.offset);
	return said(found);
}

static enum plan_found keep_image(struct reading *reading, const struct tar_member *member, const char *directory,
				  enum kept_image image)
{
	static unsigned char chunk[CHUNK];
	struct place *place = place_of(reading, directory);
	enum plan_found result = PLAN_FOUND;
	struct shown name;
	size_t got;

	if (!place)
		return reading->place_count == PLACES_MAX ? PLAN_UNUSABLE : PLAN_SYSTEM;
	if (place->kept[image] >= 0) {
		message("%s: has %s twice; give the archive that fdgraft rewrite wrote", reading->shown_path,
			show_raw(&name, member->name));
		return PLAN_UNUSABLE;
	}
	if (member->size > KEPT_SIZE_MAX) {
		message("%s: %s has %llu bytes, the limit for an archive is %llu; unpack it, and give the image directory",
			reading->shown_path, show_raw(&name, member->name), (unsigned long long)member->size, (unsigned long long)KEPT_SIZE_MAX);
		return PLAN_UNUSABLE;
	}
	place->kept[image] = memfd_create(kept_image_name(image), MFD_CLOEXEC);
	if (place->kept[image] < 0) {
		message("cannot keep an image in memory: memfd_create: %s", cause_of(errno));
		return PLAN_SYSTEM;
	}
	do {
		enum tar_found found = tar_read(&reading->tar, chunk, CHUNK, &got);

		if (found != TAR_MEMBER)
			return content_ended(reading, found);
		result = write_whole(place->kept[image], chunk, got);
	} while (result == PLAN_FOUND && got > 0);
	return result;
}

/* Grows with what is really there: a size that the archive claims is not believed. */
static enum plan_found keep_plan(struct reading *reading, const struct tar_member *member, const char *directory)
{
	struct plan *plan = reading->plan;
	struct shown first, name;
	size_t room = 0;
	size_t got = 0;

	if (reading->plan_directory) {
		message("%s: has two plans, %s" PLAN_NAME " and %s; give the archive that fdgraft rewrite wrote", reading->shown_path,
			show_raw(&first, reading->plan_directory), show_raw(&name, member->name));
		return PLAN_UNUSABLE;
	}
	if (member->size > PLAN_SIZE_MAX) {
		message("%s: %s is larger than %d bytes, the limit for a plan; write fewer placeholders into one plan",
			reading->shown_path, show_raw(&name, member->name), PLAN_SIZE_MAX);
		return PLAN_UNUSABLE;
	}
	reading->plan_directory = strdup(directory);
	if (!reading->plan_directory)
		return out_of_memory();
	do {
		enum tar_found found;

		if (plan->size == room) {
			unsigned char *bytes;

			room = room ? 2 * room : CHUNK;
			bytes = realloc(plan->bytes, room);
			if (!bytes)
				return out_of_memory();
			plan->bytes = bytes;
		}
		found = tar_read(&reading->tar, plan->bytes + plan->size, room - plan->size, &got);
		if (found != TAR_MEMBER)
			return content_ended(reading, found);
		plan->size += got;
	} while (got > 0);
	return PLAN_FOUND;
}

static enum plan_found look_at(struct reading *reading, const struct tar_member *member)
{
	const char *slash = strrchr(member->name, '/');
	const char *base = slash ? slash + 1 : member->name;
	size_t length = (size_t)(base - member->name);
	bool is_plan = strcmp(base, PLAN_NAME) == 0;
	char directory[TAR_NAME_MAX + 1];
	struct shown name;
	int image = 0;

	while (image < KEPT_COUNT && strcmp(base, kept_image_name((enum kept_image)image)) != 0)
		image++;
	if (!is_plan && image == KEPT_COUNT)
		return PLAN_FOUND;
	if (!member->is_file || member->is_sparse) {
		message("%s: byte %llu of the tar: %s is %s, and has to be a plain file" FETCH_AGAIN, reading->shown_path,
			(unsigned long long)member->header, show_raw(&name, member->name), member->is_file ? "a sparse file" : "no regular file");
		return PLAN_UNUSABLE;
	}
	memcpy(directory, member->name, length);
	directory[length] = '\0';
	return is_plan ? keep_plan(reading, member, directory) : keep_image(reading, member, directory, (enum kept_image)image);
}

static enum plan_found read_members(struct reading *reading)
{
	struct tar_member member;
	enum plan_found result = PLAN_FOUND;
	enum tar_found found = TAR_MEMBER;

	while (result == PLAN_FOUND && (found = tar_next(&reading->tar, &member)) == TAR_MEMBER)
		result = look_at(reading, &member);
	if (result != PLAN_FOUND)
		return result;
	if (found == TAR_END)
		found = tar_drain(&reading->tar);
	if (found == TAR_CUT_OFF) {
		/* The program may know why. */
		int code = unpack_end(reading->tar.stream, true);

		if (code)
			return code == EXIT_SYSTEM ? PLAN_SYSTEM : PLAN_UNUSABLE;
		return content_ended(reading, found);
	}
	return said(found);
}

/* The images beside the plan; all others are let go. */
static void take_places(struct reading *reading, struct images *images)
{
	for (size_t i = 0; i < reading->place_count; i++) {
		struct place *place = &reading->places[i];
		bool wanted = reading->plan_directory && strcmp(place->directory, reading->plan_directory) == 0;

		for (int image = 0; image < KEPT_COUNT; image++) {
			if (wanted)
				images->kept[image] = place->kept[image];
			else if (place->kept[image] >= 0)
				close(place->kept[image]);
		}
		free(place->directory);
	}
}

enum plan_found archive_read(struct plan *plan, struct images *images, int archive, enum packing packing, const char *shown_path)
{
	struct write_signals signals;
	struct unpacked stream;
	struct reading reading = {.plan = plan, .tar = {.stream = &stream}, .shown_path = shown_path};
	enum plan_found result;
	int code = unpack_start(&stream, archive, packing, shown_path);

	if (code)
		return PLAN_SYSTEM;
	result = write_signals_ignore(&signals) ? PLAN_SYSTEM : read_members(&reading);
	if (write_signals_restore(&signals))
		result = PLAN_SYSTEM;
	code = unpack_end(&stream, result == PLAN_FOUND);
	if (result == PLAN_FOUND && code)
		result = code == EXIT_SYSTEM ? PLAN_SYSTEM : PLAN_UNUSABLE;
	if (result == PLAN_FOUND && !reading.plan_directory) {
		message("%s: has no " PLAN_NAME "; --plan takes an archive that fdgraft rewrite wrote", shown_path);
		result = PLAN_UNUSABLE;
	}
	take_places(&reading, images);
	free(reading.plan_directory);
	return result;
}
