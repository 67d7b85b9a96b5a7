/* inherit-plan.img: finding it, reading it, and going through its records. */
#ifndef FDGRAFT_PLAN_H
#define FDGRAFT_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "escape.h"
#include "kind.h"
#include "own-key.h"
#include "plan-limits.h"
#include "plan.pb-c.h"
#include "sha256.h"

#define PLAN_NAME "inherit-plan.img"
/* Written by this version; read are all from 1 up to this one. */
#define PLAN_FORMAT 3
/* The way out of a plan that is damaged. */
#define PLAN_AGAIN "write the plan again with fdgraft rewrite"

/* What one placeholder asks for; its references stay packed. */
struct graft {
	uint32_t file_id;
	uint32_t caller_fd;
	uint32_t spec;
	uint32_t flags;
	bool has_offset; /* of its own: a file, and no pipe */
	uint64_t saved_offset;
	bool needs_read;
	bool needs_write;
	bool watched; /* by an epoll of the checkpoint */
	bool gets_unread; /* plan->unread has bytes for it */
	char *unread_key; /* of the entry, as the plan has it; NULL if it gets none */
	bool reopen; /* this and the next are set by choose() */
	bool refused;
	bool cuts; /* the caller's file, to cut_to */
	uint64_t cut_to;
	bool end_is_known; /* this and the next are set by cuts_check(): the caller's file is going to be cut */
	uint64_t end;
	bool set_nonblock; /* on the caller's open file, if the tasks share it */
	uint32_t pipe_size; /* 0: the plan has none */
	struct kind kind;
	struct own_key own_key;
	Fdgraft__PlanApply apply;
	Fdgraft__PlanPosition position;
};

/* Unread bytes of a pipe that the executor has to write: one record of a placeholder. */
struct unread_bytes {
	uint32_t graft; /* index into plan->grafts */
	uint32_t pipe_id; /* 0: the plan has none */
	const char *image;
	uint64_t offset;
	uint64_t bytes; /* at least 1 */
	bool repeated; /* set by unread_check(): another record has the same bytes for the same pipe */
};

struct task_credentials;

struct plan {
	char *shown_path; /* for messages, escaped */
	unsigned char *bytes;
	size_t size;
	size_t first_placeholder; /* where its record begins */
	unsigned char digest[SHA256_SIZE];
	Fdgraft__PlanHead *head;
	struct graft *grafts; /* ascending file_id */
	size_t graft_count;
	struct unread_bytes *unread; /* in the order of the plan; those that may be lost are not among them */
	size_t unread_count;
	struct task_credentials *tasks; /* ascending pid; tasks whose credentials the plan has */
	size_t task_count;
};

enum plan_found { PLAN_FOUND, PLAN_MISSING, PLAN_UNUSABLE, PLAN_SYSTEM };

/* Reads the plan that is open at fd. */
enum plan_found plan_read(struct plan *plan, int fd);

/* Reads the bytes of a plan into the rest of it. */
enum plan_found plan_parse(struct plan *plan);

/* Keeps how messages name the plan. -1 has said why. */
int plan_keep_shown_path(struct plan *plan, const char *shown_path);

/* The plan in an open image directory. PLAN_MISSING says nothing. */
enum plan_found plan_open_in(struct plan *plan, int directory, const char *shown_path);

/* Called with each placeholder in turn; anything but 0 ends it and is returned. */
typedef int plan_visitor(void *context, const Fdgraft__PlanPlaceholder *placeholder, size_t number, size_t offset);

/* -1 has said why. */
int plan_each(const struct plan *plan, plan_visitor *visit, void *context);

/* Checks the head and all records against the format and fills plan->grafts, unread and tasks. -1 has said why. */
int plan_check(struct plan *plan);

/* The spec as given, for messages. */
const char *show_spec(struct shown *shown, const struct plan *plan, uint32_t spec);

/* The key of the entry that bytes were unread in, for messages. */
const char *show_unread_key(struct shown *shown, const struct plan *plan, const struct unread_bytes *bytes);

/* True for a plain file name that stays inside its directory. */
bool is_image_name(const char *name);

void plan_free(struct plan *plan);

#endif
