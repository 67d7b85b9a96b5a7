/*
 * The mutator of all harnesses. libFuzzer's own one changes bytes, and nearly all that comes of it ends at the first length
 * or checksum. This one changes fields of messages, records and members instead, and keeps lengths, counts and checksums.
 */
#include <stdlib.h>
#include <string.h>

#include "repair.h"
#include "support.h"
#include "wire-edit.h"

#define RECORDS_MAX 2048
#define EDITS_MAX 4
#define TAR_BLOCK 512u

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t room);
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed);

/* Writes an image with one of its records changed, repeated, left out or in the place of another. */
static void edit_image(struct bytes *out, const uint8_t *image, size_t size, struct random *random)
{
	static struct record records[RECORDS_MAX];
	enum { EDIT, EDIT_TOO, EDIT_OFTEN, REPEAT, DROP, SWAP, WAYS } way = random_below(random, WAYS);
	size_t head;
	size_t count = records_of(image, size, records, RECORDS_MAX, &head);
	size_t chosen = random_below(random, count);
	size_t other = random_below(random, count);

	bytes_add(out, image, head);
	for (size_t i = 0; i < count; i++) {
		const struct record *record = &records[i];

		if (i == chosen && way == DROP)
			continue;
		if (way == SWAP && (i == chosen || i == other))
			record = &records[i == chosen ? other : chosen];
		if (i == chosen && way <= EDIT_OFTEN) {
			size_t begin = record_begin(out);

			wire_edit(out, record->at, record->size, random);
			record_end(out, begin);
			continue;
		}
		record_add(out, record);
		if (i == chosen && way == REPEAT)
			record_add(out, record);
	}
}

/* Blocks are repeated, left out or swapped; most edits are of the bytes in a block. */
static void edit_tar(struct bytes *out, const uint8_t *tar, size_t size, struct random *random)
{
	size_t blocks = size / TAR_BLOCK;
	size_t chosen = random_below(random, blocks);
	size_t way = random_below(random, 8);

	if (blocks == 0 || way > 3) {
		bytes_add(out, tar, size);
		if (!out->full)
			out->size = LLVMFuzzerMutate(out->at, out->size, out->room);
		return;
	}
	for (size_t i = 0; i < blocks; i++) {
		if (i == chosen && way == 0)
			continue;
		bytes_add(out, tar + i * TAR_BLOCK, TAR_BLOCK);
		if (i == chosen && way == 1)
			bytes_add(out, tar + i * TAR_BLOCK, TAR_BLOCK);
		if (i == chosen && way == 2)
			bytes_add(out, tar + random_below(random, blocks) * TAR_BLOCK, TAR_BLOCK);
		if (i == chosen && way == 3 && !out->full)
			out->at[out->size - 1 - random_below(random, TAR_BLOCK)] = (uint8_t)random_next(random);
	}
}

/* The bytes in front keep their number, so that the rest stays where it is. */
static void mutate_control(uint8_t *control, size_t size)
{
	size_t left = LLVMFuzzerMutate(control, size, size);

	memset(control + left, 0, size - left);
}

/* One edit of what follows the control bytes; `spare` is as large as the room. */
static size_t mutate_rest(uint8_t *rest, size_t size, size_t room, uint8_t *spare, struct random *random)
{
	struct bytes out = {.at = spare, .room = room};

	if (fuzz_layout.is_framed && random_below(random, 8) != 0)
		edit_image(&out, rest, size, random);
	else if (fuzz_layout.is_tar)
		edit_tar(&out, rest, size, random);
	else
		return LLVMFuzzerMutate(rest, size, room);
	if (out.full || out.size == 0)
		return LLVMFuzzerMutate(rest, size, room);
	memcpy(rest, spare, out.size);
	return out.size;
}

static size_t repair(uint8_t *rest, size_t size, size_t room, uint8_t *spare)
{
	struct bytes out = {.at = spare, .room = room};

	if (fuzz_layout.is_tar)
		repair_tar(rest, size);
	if (!fuzz_layout.is_plan)
		return size;
	repair_plan(&out, rest, size);
	if (out.full)
		return size;
	memcpy(rest, spare, out.size);
	return out.size;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t room, unsigned int seed)
{
	struct random random = {.state = seed};
	size_t control = fuzz_layout.control;
	uint8_t *spare;
	size_t rest;

	if (size < control || room <= control)
		return LLVMFuzzerMutate(bytes, size, room);
	if (control > 0 && random_below(&random, 3) == 0) {
		mutate_control(bytes, control);
		if (random_below(&random, 2) == 0)
			return size;
	}
	spare = malloc(room);
	if (!spare)
		return LLVMFuzzerMutate(bytes, size, room);
	rest = size - control;
	for (size_t edits = 1 + random_below(&random, EDITS_MAX); edits > 0; edits--)
		rest = mutate_rest(bytes + control, rest, room - control, spare, &random);
	if (random_below(&random, 8) != 0)
		rest = repair(bytes + control, rest, room - control, spare);
	free(spare);
	return control + rest;
}
