#include "unread-copies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clear-dup.h"
#include "message.h"
#include "open-image.h"

#define CHUNK ((size_t)64 << 10)

static unsigned char chunk[CHUNK];
static size_t chunk_length;

static int write_chunk(int fd)
{
	size_t done = 0;

	while (done < chunk_length) {
		ssize_t written = write(fd, chunk + done, chunk_length - done);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			message("cannot keep unread bytes: %s", cause_of(errno));
			return -1;
		}
		done += (size_t)written;
	}
	chunk_length = 0;
	return 0;
}

/* Through one buffer for all records of a pipe: pages that are not full would take more room in the pipe than the bytes. */
static int copy_part(int image, const struct unread_bytes *bytes, int to)
{
	uint64_t offset = bytes->offset;
	uint64_t left = bytes->bytes;

	while (left > 0) {
		size_t room = CHUNK - chunk_length;
		ssize_t got = pread(image, chunk + chunk_length, left < room ? (size_t)left : room, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			message("image %s: cannot read the unread bytes of a pipe: %s", bytes->image,
				got < 0 ? cause_of(errno) : "it was cut short");
			return -1;
		}
		chunk_length += (size_t)got;
		offset += (uint64_t)got;
		left -= (uint64_t)got;
		if (chunk_length == CHUNK && write_chunk(to))
			return -1;
	}
	return 0;
}

static int copy_parts(const struct unread_pipe *pipe, const struct plan *plan, int directory, int to)
{
	chunk_length = 0;
	for (size_t i = 0; i < pipe->count; i++) {
		const struct unread_bytes *bytes = pipe->parts[i].bytes;
		uint64_t size;
		int image, result;

		if (bytes->repeated)
			continue;
		if (open_image(&image, &size, plan, directory, bytes->image) || image < 0)
			return -1;
		result = copy_part(image, bytes, to);
		close(image);
		if (result)
			return -1;
	}
	return write_chunk(to);
}

/* The caller may have passed the end for reading only, and its flags are its own: so this is always opened. */
static int open_way(const struct caller *caller)
{
	struct stat status;
	char path[64];
	int fd;

	if (snprintf(path, sizeof(path), "/proc/self/fd/%d", caller->fd) < 0)
		return -1;
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &status)) {
		message("caller fd %u: cannot open its pipe for writing: %s", caller->number, cause_of(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (status.st_dev != caller->status.st_dev || status.st_ino != caller->status.st_ino) {
		message("caller fd %u: opening its pipe for writing led to another file", caller->number);
		close(fd);
		return -1;
	}
	return fd;
}

/* Closes fd, whatever comes of it. */
static int move_clear(int fd, const uint32_t *taken, size_t taken_count)
{
	int copy = dup_clear_of(fd, taken, taken_count);

	if (copy < 0)
		message("cannot dup a pipe of unread bytes: %s", cause_of(errno));
	close(fd);
	return copy;
}

static int fill_one(struct unread_copy *copy, const struct unread_pipe *pipe, const struct plan *plan, int directory,
		     const uint32_t *taken, size_t taken_count)
{
	int ends[2];
	int room, way;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK)) {
		message("cannot make a pipe for unread bytes: %s", cause_of(errno));
		return -1;
	}
	copy->from = move_clear(ends[0], taken, taken_count);
	room = fcntl(ends[1], F_GETPIPE_SZ);
	if (room >= 0 && (uint64_t)room < pipe->bytes)
		room = fcntl(ends[1], F_SETPIPE_SZ, (int)pipe->bytes);
	if (room < 0)
		message("cannot make a pipe for %llu unread bytes: %s", (unsigned long long)pipe->bytes, cause_of(errno));
	if (copy->from < 0 || room < 0 || copy_parts(pipe, plan, directory, ends[1])) {
		close(ends[1]);
		return -1;
	}
	close(ends[1]);
	way = open_way(pipe->parts[0].caller);
	if (way < 0)
		return -1;
	copy->to = move_clear(way, taken, taken_count);
	return copy->to < 0 ? -1 : 0;
}

int unread_copies_fill(struct unread_copies *copies, const struct unread_pipes *unread, const struct plan *plan, int directory,
		 const uint32_t *taken, size_t taken_count)
{
	*copies = (struct unread_copies){0};
	if (unread->count == 0)
		return 0;
	copies->list = calloc(unread->count, sizeof(*copies->list));
	if (!copies->list) {
		message("out of memory");
		return -1;
	}
	for (size_t i = 0; i < unread->count; i++) {
		struct unread_copy *copy = &copies->list[copies->count++];

		*copy = (struct unread_copy){
			.caller_fd = unread->list[i].parts[0].caller->number,
			.bytes = unread->list[i].bytes,
			.from = -1,
			.to = -1,
		};
		if (fill_one(copy, &unread->list[i], plan, directory, taken, taken_count)) {
			unread_copies_free(copies);
			return -1;
		}
	}
	return 0;
}

/* Others hold the caller's pipe too. */
static int is_ready(const struct unread_copy *copy)
{
	int room = fcntl(copy->to, F_GETPIPE_SZ);
	int waiting;

	if (room < 0 || ioctl(copy->to, FIONREAD, &waiting)) {
		message("caller fd %u: cannot look at its pipe: %s", copy->caller_fd, cause_of(errno));
		return -1;
	}
	if (waiting > 0) {
		message("caller fd %u: something wrote %d bytes into its pipe during the restore, ahead of %llu unread bytes of the checkpoint; write into it only when the restore is done",
			copy->caller_fd, waiting, (unsigned long long)copy->bytes);
		return -1;
	}
	if ((uint64_t)room < copy->bytes) {
		message("caller fd %u: something made its pipe smaller during the restore: it holds %d bytes, %llu unread bytes have to go into it",
			copy->caller_fd, room, (unsigned long long)copy->bytes);
		return -1;
	}
	return 0;
}

static int move(struct unread_copy *copy)
{
	while (copy->delivered < copy->bytes) {
		uint64_t left = copy->bytes - copy->delivered;
		ssize_t moved = splice(copy->from, NULL, copy->to, NULL, left, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (moved < 0 && errno == EINTR)
			continue;
		if (moved <= 0) {
			message("caller fd %u: %llu of %llu unread bytes were not delivered: %s", copy->caller_fd,
				(unsigned long long)left, (unsigned long long)copy->bytes,
				moved < 0 ? cause_of(errno) : "the pipe that holds them is empty");
			return -1;
		}
		copy->delivered += (uint64_t)moved;
	}
	return 0;
}

int unread_copies_deliver(struct unread_copies *copies)
{
	for (size_t i = 0; i < copies->count; i++)
		if (is_ready(&copies->list[i]))
			return -1;
	for (size_t i = 0; i < copies->count; i++)
		if (move(&copies->list[i])) {
			unread_copies_take_back(copies);
			return -1;
		}
	return 0;
}

void unread_copies_take_back(struct unread_copies *copies)
{
	for (size_t i = 0; i < copies->count; i++) {
		uint64_t left = copies->list[i].delivered;
		char path[64];
		int fd;

		copies->list[i].delivered = 0;
		if (snprintf(path, sizeof(path), "/proc/self/fd/%d", copies->list[i].to) < 0)
			continue;
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		while (fd >= 0 && left > 0) {
			ssize_t got = read(fd, chunk, left < CHUNK ? (size_t)left : CHUNK);

			if (got <= 0)
				break;
			left -= (uint64_t)got;
		}
		if (left > 0)
			message("caller fd %u: %llu bytes that were delivered stay in its pipe", copies->list[i].caller_fd,
				(unsigned long long)left);
		if (fd >= 0)
			close(fd);
	}
}

void unread_copies_free(struct unread_copies *copies)
{
	for (size_t i = 0; i < copies->count; i++) {
		if (copies->list[i].from >= 0)
			close(copies->list[i].from);
		if (copies->list[i].to >= 0)
			close(copies->list[i].to);
	}
	free(copies->list);
	*copies = (struct unread_copies){0};
}
