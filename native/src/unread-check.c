/* What keeps unread bytes from getting into the caller's pipe, all of it known before anything starts. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "message.h"
#include "open-image.h"
#include "unread.h"

/* "caller fd 5 (spec …)" and "the 21 unread bytes of pipe:[77]", for messages. */
struct names {
	struct shown spec;
	struct shown key;
};

static void name(struct names *names, const struct plan *plan, const struct unread_part *part)
{
	show_spec(&names->spec, plan, plan->grafts[part->bytes->graft].spec);
	show_unread_key(&names->key, plan, part->bytes);
}

/* Entries of one dumped pipe have its key and its number. */
static bool same_dumped_pipe(const struct plan *plan, const struct unread_bytes *left, const struct unread_bytes *right)
{
	return left->pipe_id == right->pipe_id &&
	       strcmp(plan->grafts[left->graft].unread_key, plan->grafts[right->graft].unread_key) == 0;
}

/* True where the bytes cannot go there whatever is done about the rest. */
static bool refuse_pipe(const struct unread_pipe *pipe, const struct plan *plan)
{
	const struct unread_part *first = &pipe->parts[0];
	struct names names, others;

	name(&names, plan, first);
	if (!caller_is_pipe(first->caller)) {
		problem("caller fd %u is %s (spec %s): bytes that were unread in %s at the dump can be written into a pipe or FIFO only; give one, or " UNREAD_LET_GO,
			first->caller->number, caller_kind_name(first->caller->kind), names.spec.text, names.key.text);
		return true;
	}
	for (size_t i = 1; i < pipe->count; i++) {
		const struct unread_part *other = &pipe->parts[i];

		/* A key is compared once: one can be as long as a plan. */
		if (other->bytes->graft == pipe->parts[i - 1].bytes->graft || same_dumped_pipe(plan, first->bytes, other->bytes))
			continue;
		name(&others, plan, other);
		problem("caller fd %u (spec %s) and caller fd %u (spec %s) are one pipe, and the unread bytes of %s and of %s would mix in it; give each a pipe of its own, or " UNREAD_LET_GO,
			first->caller->number, names.spec.text, other->caller->number, others.spec.text, names.key.text,
			others.key.text);
		return true;
	}
	return false;
}

/* In the order of the images and of the bytes in them; records of the same bytes as in the plan. */
static int by_place(const void *left, const void *right)
{
	const struct unread_bytes *a = (*(const struct unread_part *const *)left)->bytes;
	const struct unread_bytes *b = (*(const struct unread_part *const *)right)->bytes;
	int order = strcmp(a->image, b->image);

	if (order)
		return order;
	if (a->offset != b->offset)
		return a->offset > b->offset ? 1 : -1;
	return (a > b) - (a < b);
}

static void compare_places(const struct plan *plan, const struct unread_part *last, const struct unread_part *part)
{
	const struct stat *a = &last->caller->status;
	const struct stat *b = &part->caller->status;
	bool one_pipe = a->st_dev == b->st_dev && a->st_ino == b->st_ino;
	struct names names, others;

	if (strcmp(last->bytes->image, part->bytes->image) != 0 ||
	    part->bytes->offset - last->bytes->offset >= last->bytes->bytes)
		return;
	if (one_pipe && part->bytes->offset == last->bytes->offset && part->bytes->bytes == last->bytes->bytes) {
		part->bytes->repeated = true;
		return;
	}
	if (one_pipe) {
		problem("%s: image %s, byte %llu: unread bytes of two records overlap; write the plan again with fdgraft rewrite",
			plan->shown_path, part->bytes->image, (unsigned long long)part->bytes->offset);
		return;
	}
	name(&names, plan, last);
	name(&others, plan, part);
	problem("%s, byte %llu: the plan has the same unread bytes of %s for caller fd %u (spec %s) and for caller fd %u (spec %s), and they can be delivered only once; give both specs one pipe, or " UNREAD_LET_GO,
		part->bytes->image, (unsigned long long)part->bytes->offset, others.key.text, last->caller->number,
		names.spec.text, part->caller->number, others.spec.text);
}

/* Marks records of the same bytes for the same pipe, as two ends of it may have them. */
static int mark_repeated(const struct unread_pipes *unread, const struct plan *plan)
{
	const struct unread_part **places = calloc(plan->unread_count, sizeof(const struct unread_part *));
	const struct unread_part *last = NULL;
	size_t count = 0;

	if (!places) {
		message("out of memory");
		return -1;
	}
	for (size_t i = 0; i < unread->count; i++)
		for (size_t k = 0; k < unread->list[i].count; k++)
			places[count++] = &unread->list[i].parts[k];
	qsort(places, count, sizeof(const struct unread_part *), by_place);
	for (size_t i = 0; i < count; i++) {
		places[i]->bytes->repeated = false;
		if (last)
			compare_places(plan, last, places[i]);
		if (!places[i]->bytes->repeated)
			last = places[i];
	}
	free(places);
	return 0;
}

struct image {
	const char *name; /* the last one looked at */
	bool usable;
	uint64_t size;
};

static int check_ranges(const struct unread_pipe *pipe, const struct plan *plan, int directory, struct image *image)
{
	for (size_t i = 0; i < pipe->count; i++) {
		const struct unread_bytes *bytes = pipe->parts[i].bytes;

		if (!image->name || strcmp(image->name, bytes->image) != 0) {
			int fd;

			if (open_image(&fd, &image->size, plan, directory, bytes->image))
				return -1;
			image->name = bytes->image;
			image->usable = fd >= 0;
			if (fd >= 0)
				close(fd);
		}
		if (image->usable && (bytes->offset > image->size || bytes->bytes > image->size - bytes->offset))
			problem("image %s of %s: unread bytes %llu to %llu, and it has %llu; the plan and the images of one fdgraft rewrite belong together",
				bytes->image, plan->shown_path, (unsigned long long)bytes->offset,
				(unsigned long long)(bytes->offset + bytes->bytes), (unsigned long long)image->size);
	}
	return 0;
}

static void add_up(struct unread_pipe *pipe)
{
	pipe->bytes = 0;
	for (size_t i = 0; i < pipe->count; i++) {
		const struct unread_bytes *bytes = pipe->parts[i].bytes;

		if (bytes->repeated)
			continue;
		/* No pipe is near as large as where this stops. */
		pipe->bytes = bytes->bytes > UINT64_MAX - pipe->bytes ? UINT64_MAX : pipe->bytes + bytes->bytes;
	}
}

/*
 * A pipe keeps the size that it gets here even if something else is wrong and nothing starts: more room than before does
 * no harm, and found out any later it would be no problem among the others.
 */
static int check_room(const struct unread_pipe *pipe, const struct plan *plan, enum growing growing)
{
	const struct unread_part *first = &pipe->parts[0];
	int room = fcntl(first->caller->fd, F_GETPIPE_SZ);
	struct remedy remedy;
	struct names names;
	int error;

	if (room < 0) {
		message("caller fd %u: cannot read the size of the pipe: %s", first->caller->number, cause_of(errno));
		return -1;
	}
	if (pipe->bytes <= (uint64_t)room)
		return 0;
	error = grow_pipe(first->caller->fd, pipe->bytes, growing);
	if (error == 0)
		return 0;
	name(&names, plan, first);
	problem("caller fd %u (spec %s): its pipe holds %d bytes, and for the %llu unread bytes of %s it must hold %llu: %s; %s, or " UNREAD_LET_GO,
		first->caller->number, names.spec.text, room, (unsigned long long)pipe->bytes, names.key.text,
		(unsigned long long)pipe->bytes, cause_of(error), growing_remedy(&remedy, error, pipe->bytes));
	return 0;
}

static int check_pipe(const struct unread_pipe *pipe, const struct plan *plan)
{
	const struct unread_part *first = &pipe->parts[0];
	struct names names;
	char path[64];
	int waiting;

	name(&names, plan, first);
	if (ioctl(first->caller->fd, FIONREAD, &waiting)) {
		message("caller fd %u: cannot find out whether the pipe is empty: %s", first->caller->number, cause_of(errno));
		return -1;
	}
	if (waiting > 0)
		problem("caller fd %u (spec %s): its pipe already holds %d bytes, and the %llu unread bytes of %s have to come first; give an empty pipe, or " UNREAD_LET_GO,
			first->caller->number, names.spec.text, waiting, (unsigned long long)pipe->bytes, names.key.text);
	if (snprintf(path, sizeof(path), "/proc/self/fd/%d", first->caller->fd) < 0)
		return -1;
	/* Only asked: opening an end and closing it again could be noticed at the other. */
	if (faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		problem("caller fd %u (spec %s): the unread bytes of %s cannot be written into its pipe: %s; let it be a pipe of this user, or " UNREAD_LET_GO,
			first->caller->number, names.spec.text, names.key.text, cause_of(errno));
	return 0;
}

int unread_check(const struct unread_pipes *unread, const struct plan *plan, int directory, enum growing growing)
{
	struct image image = {0};

	if (unread->count == 0)
		return 0;
	if (mark_repeated(unread, plan))
		return -1;
	for (size_t i = 0; i < unread->count; i++) {
		struct unread_pipe *pipe = &unread->list[i];

		add_up(pipe);
		/* Of an archive the plugin looks at the images. */
		if (directory >= 0 && check_ranges(pipe, plan, directory, &image))
			return -1;
		if (refuse_pipe(pipe, plan))
			continue;
		if (check_pipe(pipe, plan) || check_room(pipe, plan, growing))
			return -1;
	}
	return 0;
}
