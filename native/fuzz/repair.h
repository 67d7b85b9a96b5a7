/* Makes edited inputs consistent again, so that they get past the first check. */
#ifndef FDGRAFT_REPAIR_H
#define FDGRAFT_REPAIR_H

#include "wire-edit.h"

/* A record of an image; `at` is behind its size. */
struct record {
	const uint8_t *at;
	size_t size;
};

/* The records of an image. *head: the bytes in front, one or two magic numbers. Returns how many there are. */
size_t records_of(const uint8_t *image, size_t size, struct record *records, size_t most, size_t *head);

void record_add(struct bytes *out, const struct record *record);
/* Leaves room for the size of a record that is written from here on. */
size_t record_begin(struct bytes *out);
void record_end(struct bytes *out, size_t begin);

/* File ids ascend, caller fds are those of the specs, and the head counts the placeholders. */
void repair_plan(struct bytes *out, const uint8_t *plan, size_t size);

/* Checksums of headers. */
void repair_tar(uint8_t *tar, size_t size);

#endif
