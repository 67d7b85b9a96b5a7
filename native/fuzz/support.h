/* What all harnesses share: input, messages, descriptors, and the end of a run that found a fault. */
#ifndef FDGRAFT_FUZZ_SUPPORT_H
#define FDGRAFT_FUZZ_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.h"

/* How an input is laid out, for the mutator. Each harness defines it. */
struct fuzz_layout {
	size_t control; /* bytes in front that are no image; what is missing of them is zero */
	bool is_framed; /* the rest is an image: one or two magic numbers, then records of a size and a message */
	bool is_plan; /* the records are those of a plan */
	bool is_tar; /* the rest is a tar */
};

extern const struct fuzz_layout fuzz_layout;

/* One run; libFuzzer calls it. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* Zero past the end. */
uint8_t take_u8(struct fuzz_input *input);
uint16_t take_u16(struct fuzz_input *input);
uint32_t take_u32(struct fuzz_input *input);
/* Copies what is there of so many bytes, and returns how many these are. */
size_t take_bytes(struct fuzz_input *input, void *bytes, size_t size);

/* Says what is wrong and ends the process: a fault is found. */
_Noreturn void fuzz_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define MUST(condition) ((condition) ? (void)0 : fuzz_fault("%s:%d: %s does not hold", __FILE__, __LINE__, #condition))

/* Begins a run: descriptors are counted, messages are checked and counted. */
void fuzz_begin(void);
/* Ends it: as many descriptors are open as before. */
void fuzz_end(void);
/* Messages, problems and warnings since fuzz_begin(). */
size_t said_count(void);

/* An unnamed file with these bytes, open at its start. */
int file_of(const void *bytes, size_t size);
#define SCRATCH_MAX 256
/* A fresh directory, in TMPDIR, opened, whose path is written to `path`. It goes at the end of the process. */
int scratch_dir(char path[static SCRATCH_MAX]);
/* Makes a file in a directory. */
void write_in(int dir, const char *name, const void *bytes, size_t size);

/* A plan of these bytes, each of which is followed by memory that nobody may read. */
enum plan_found plan_of(struct plan *plan, const uint8_t *bytes, size_t size);

/* From now on no pipe gets larger than an ordinary user's: one of two gigabytes is no fault, and takes its time. */
void bound_pipes(void);

/* True for descriptors that are open on one file. */
bool same_file(int left, int right);

#endif
