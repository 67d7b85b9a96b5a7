/*
 * The protocol of keeper and plugin. Each message is one struct frame, whole, in one packet:
 *
 *   plugin  FRAME_HELLO   digest of the plan in the image directory
 *   keeper  FRAME_OFFER   count: how many caller fds there are; or FRAME_REFUSED
 *   plugin  FRAME_WANT    first: index of the first one it has not got yet; again until it has all
 *   keeper  FRAME_FDS     first, count; numbers as the plan has them, and that many descriptors with it
 *   plugin  FRAME_DONE
 *   keeper  FRAME_END     name: of the start's directory, which comes as a descriptor, or ""; or FRAME_REFUSED
 *
 * Until FRAME_DONE nothing is consumed: the plugin may try again. The first two fields stay where they are in all versions.
 */
#ifndef FDGRAFT_FRAMES_H
#define FDGRAFT_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sha256.h"
#include "start-dir.h"

#define FRAME_MAGIC 0x46474446u
#define FRAME_VERSION 2
/* SCM_MAX_FD of Linux is 253; musl's sendmsg() takes 1,024 bytes of control messages. */
#define FRAME_FDS_MAX 252

enum frame_kind { FRAME_HELLO = 1, FRAME_OFFER, FRAME_REFUSED, FRAME_WANT, FRAME_FDS, FRAME_DONE, FRAME_END };

enum frame_reason { REFUSED_VERSION = 1, REFUSED_PLAN, REFUSED_DEBUG };

struct frame {
	uint32_t magic;
	uint32_t version;
	uint32_t kind;
	uint32_t reason; /* of FRAME_REFUSED */
	uint32_t first;
	uint32_t count;
	union {
		unsigned char digest[SHA256_SIZE];
		uint32_t numbers[FRAME_FDS_MAX];
		char name[START_NAME_MAX];
	};
};

/* Milliseconds of CLOCK_MONOTONIC, `more` from now. */
int64_t deadline_after(int64_t more);
/* What is left, for poll(). */
int until_deadline(int64_t deadline);

/* A frame of this version with nothing in it. */
struct frame frame_of(enum frame_kind kind);

/* With `count` descriptors. -1 with errno: ETIMEDOUT where the other end did not take it. */
int frame_send(int connection, const struct frame *frame, const int *fds, size_t count, int64_t deadline);

enum received {
	RECEIVED,
	RECEIVED_END, /* the other end is closed */
	RECEIVED_ERROR, /* errno says which */
	RECEIVED_LATE,
	RECEIVED_ODD, /* not a frame, or with descriptors that did not fit */
	RECEIVED_VERSION, /* of another version; frame->version says which */
};

/* fds gets up to `room` descriptors, with close-on-exec, and *count how many; none stays open where the answer is another. */
enum received frame_receive(int connection, struct frame *frame, int *fds, size_t room, size_t *count, int64_t deadline);

#endif
