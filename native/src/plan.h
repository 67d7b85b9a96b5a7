/* inherit-plan.img: finding it, reading it, and going through its records. */
#ifndef FDGRAFT_PLAN_H
#define FDGRAFT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan.pb-c.h"
#include "sha256.h"

#define PLAN_NAME "inherit-plan.img"
#define PLAN_FORMAT 1
/* About ten million descriptors. */
#define PLAN_SIZE_MAX ((size_t)256 << 20)
/* Linux allows no descriptor number past this unless fs.nr_open is raised. */
#define FD_NUMBER_MAX ((uint32_t)(1 << 20) - 1)

/* What one placeholder asks for; its references stay packed. */
struct graft {
	uint32_t file_id;
	uint32_t caller_fd;
	uint32_t spec;
	uint32_t flags;
	uint64_t saved_offset;
	bool needs_read;
	bool needs_write;
	bool reopen; /* this and the next are set by choose() */
	bool refused;
	Fdgraft__PlanApply apply;
	Fdgraft__PlanPosition position;
};

struct plan {
	char *shown_path; /* for messages, escaped */
	unsigned char *bytes;
	size_t size;
	size_t first_placeholder; /* where its record begins */
	unsigned char digest[SHA256_SIZE];
	Fdgraft__PlanHead *head;
	struct graft *grafts; /* ascending file_id */
	size_t graft_count;
	bool has_replay; /* some bytes in flight are to be written by the executor */
};

enum plan_found { PLAN_FOUND, PLAN_MISSING, PLAN_UNUSABLE, PLAN_SYSTEM };

/*
 * path is the image folder or its inherit-plan.img. *folder gets the image folder, opened; the caller closes it (it is -1
 * where nothing was found). Everything but PLAN_FOUND has said why.
 */
enum plan_found plan_open(struct plan *plan, const char *path, int *folder);

/* The plan in an open image folder. PLAN_MISSING says nothing. */
enum plan_found plan_open_in(struct plan *plan, int folder, const char *shown_path);

/* Called with each placeholder in turn; anything but 0 ends it and is returned. */
typedef int plan_visitor(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset);

/* -1 has said why. */
int plan_each(const struct plan *plan, plan_visitor *visit, void *context);

/* Checks the head and all records against the format and fills plan->grafts. -1 has said why. */
int plan_check(struct plan *plan);

/* True for a plain file name that stays inside its folder. */
bool is_image_name(const char *name);

/* Bytes in flight that the executor would have to write are a problem() each. -1 has said why. */
int plan_refuse_replay(const struct plan *plan);

void plan_free(struct plan *plan);

#endif
