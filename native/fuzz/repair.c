#include "repair.h"

#include <string.h>

#define IMG_COMMON 0x54564319u
#define RECORDS_MAX 2048
#define ROOM ((size_t)1 << 20)
#define SPECS_MAX 64
/* Fields of plan_head, plan_spec and plan_placeholder. */
enum { HEAD_COUNT = 3, HEAD_SPECS = 5, SPEC_FD = 2, FILE_ID = 1, CALLER_FD = 2, SPEC = 3 };
/* Of a tar. */
enum { TAR_BLOCK = 512, CHECKSUM = 148, CHECKSUM_SIZE = 8, TAR_MAGIC = 257 };

static uint32_t u32_at(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

size_t records_of(const uint8_t *image, size_t size, struct record *records, size_t most, size_t *head)
{
	size_t count = 0;
	size_t at;

	*head = size >= 8 && u32_at(image) == IMG_COMMON ? 8 : size >= 4 ? 4 : size;
	at = *head;
	while (count < most && size - at >= 4) {
		size_t left = size - at - 4;
		uint32_t claimed = u32_at(image + at);

		records[count].at = image + at + 4;
		records[count].size = claimed < left ? claimed : left;
		at += 4 + records[count].size;
		count++;
	}
	return count;
}

size_t record_begin(struct bytes *out)
{
	size_t begin = out->size;

	bytes_add(out, "\0\0\0\0", 4);
	return begin;
}

void record_end(struct bytes *out, size_t begin)
{
	size_t size;

	if (out->full)
		return;
	size = out->size - begin - 4;
	for (int i = 0; i < 4; i++)
		out->at[begin + (size_t)i] = (uint8_t)(size >> 8 * i);
}

void record_add(struct bytes *out, const struct record *record)
{
	size_t begin = record_begin(out);

	bytes_add(out, record->at, record->size);
	record_end(out, begin);
}

static size_t specs_of(const struct record *head, uint32_t fds[SPECS_MAX])
{
	const uint8_t *at = head->at;
	struct field field, fd;
	size_t count = 0;

	while (count < SPECS_MAX && field_next(&at, head->at + head->size, &field))
		if (field.number == HEAD_SPECS && field.type == WIRE_BYTES) {
			fds[count] = field_find(field.value, field.size, SPEC_FD, WIRE_VARINT, &fd) ? (uint32_t)fd.varint : 0;
			count++;
		}
	return count;
}

static uint64_t number_of(const struct record *record, uint32_t number)
{
	struct field field;

	return field_find(record->at, record->size, number, WIRE_VARINT, &field) ? field.varint : 0;
}

/* Sets three numbers, one after the other, in two buffers by turns. */
static void add_placeholder(struct bytes *out, const struct record *record, uint64_t file_id, uint64_t spec, uint64_t caller_fd)
{
	static uint8_t rooms[2][ROOM];
	struct bytes first = {.at = rooms[0], .room = ROOM};
	struct bytes second = {.at = rooms[1], .room = ROOM};
	size_t begin = record_begin(out);

	wire_set(&first, record->at, record->size, FILE_ID, file_id);
	wire_set(&second, first.at, first.size, SPEC, spec);
	wire_set(out, second.at, second.size, CALLER_FD, caller_fd);
	record_end(out, begin);
}

void repair_plan(struct bytes *out, const uint8_t *plan, size_t size)
{
	static struct record records[RECORDS_MAX];
	uint32_t fds[SPECS_MAX];
	size_t head;
	size_t count = records_of(plan, size, records, RECORDS_MAX, &head);
	size_t specs = count > 0 ? specs_of(&records[0], fds) : 0;
	uint64_t last = 0;
	size_t begin;

	bytes_add(out, plan, head);
	if (count == 0)
		return;
	begin = record_begin(out);
	wire_set(out, records[0].at, records[0].size, HEAD_COUNT, count - 1);
	record_end(out, begin);
	for (size_t i = 1; i < count; i++) {
		uint64_t id = number_of(&records[i], FILE_ID) & UINT32_MAX;
		uint64_t spec = number_of(&records[i], SPEC);

		if (i > 1 && id <= last)
			id = last + 1;
		last = id;
		if (spec >= specs && specs > 0)
			spec %= specs;
		add_placeholder(out, &records[i], id, spec, spec < specs ? fds[spec] : 0);
	}
}

static uint64_t sum_of(const uint8_t *block)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i >= CHECKSUM && i < CHECKSUM + CHECKSUM_SIZE ? ' ' : block[i];
	return sum;
}

/* Every block that has the magic of a header gets the right sum: content may look like one, which does no harm. */
void repair_tar(uint8_t *tar, size_t size)
{
	for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
		uint8_t *block = tar + at;
		uint64_t sum;

		if (memcmp(block + TAR_MAGIC, "ustar", 5) != 0)
			continue;
		sum = sum_of(block);
		for (int i = 5; i >= 0; i--, sum >>= 3)
			block[CHECKSUM + i] = (uint8_t)('0' + (sum & 7));
		block[CHECKSUM + 6] = '\0';
		block[CHECKSUM + 7] = ' ';
	}
}
