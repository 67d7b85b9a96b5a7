/*
 * The plugin. init takes the caller's descriptors over from the launcher, opens again what has to be, and stores all in
 * CRIU's own list; the hook for files only looks up, because it runs among the descriptors of a restored task. Bytes that
 * were unread in a pipe are kept by init and delivered when all tasks are restored and none runs yet, and then files are
 * cut: if the restore fails before, neither happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "choose.h"
#include "criu.h"
#include "cuts.h"
#include "delivery.h"
#include "handover.h"
#include "hash-images.h"
#include "message.h"
#include "pipe-size.h"
#include "plan.h"
#include "reopen.h"
#include "staging.h"
#include "tempdir.h"

#define START_RIGHT "start CRIU through `fdgraft-exec --plan FOLDER -- criu restore -D FOLDER …`"
/* CRIU compares every key with paths less their first slash, so none of these can be taken for a file. */
#define CALLER_KEY "//fdgraft/fd/%u"
#define OPENED_KEY "//fdgraft/id/%u"
#define KEY_MAX 32

/* Which key answers for which file id. */
struct answer {
	uint32_t file_id;
	uint32_t caller_fd;
	bool reopened;
};

static struct answer *answers; /* ascending file_id */
static size_t answer_count;
/* Older CRIUs keep the pointers they are given, so the keys live as long as the plugin does. */
static char **keys;
static size_t key_count;
static char *link_folder;

static struct staging staging;
static struct cuts cuts;
/* Of both. */
static enum { NOT_DONE, DONE, FAILED } late_state;

static void make_key(char key[KEY_MAX], const struct answer *answer)
{
	if (answer->reopened)
		snprintf(key, KEY_MAX, OPENED_KEY, answer->file_id);
	else
		snprintf(key, KEY_MAX, CALLER_KEY, answer->caller_fd);
}

static int by_file_id(const void *left, const void *right)
{
	uint32_t a = ((const struct answer *)left)->file_id;
	uint32_t b = ((const struct answer *)right)->file_id;

	return (a > b) - (a < b);
}

static int restore_ext_file(int id, bool *retry_needed)
{
	struct answer wanted = {.file_id = (uint32_t)id};
	const struct answer *answer;
	char key[KEY_MAX];
	int fd;

	/* Before 4.3 there is no second argument, and what stands in its place is not ours to write through. */
	if (criu_plugin_get_options)
		*retry_needed = false;
	if (answer_count == 0)
		return -ENOTSUP;
	answer = bsearch(&wanted, answers, answer_count, sizeof(*answers), by_file_id);
	if (!answer)
		return -ENOTSUP;
	make_key(key, answer);
	fd = inherit_fd_lookup_id(key);
	return fd < 0 ? -ENOENT : fd;
}

/* The cuts come last: bytes in a pipe can be taken back. */
static int deliver_and_cut(void)
{
	if (cuts_ready(&cuts) || staging_deliver(&staging))
		return -1;
	if (cuts_make(&cuts)) {
		staging_take_back(&staging);
		return -1;
	}
	return 0;
}

static int resume_devices_late(int pid)
{
	/* Called for each task; the bytes come once, and then no end of the pipe stays open here. */
	if ((staging.count > 0 || cuts.count > 0) && late_state == NOT_DONE) {
		late_state = deliver_and_cut() ? FAILED : DONE;
		staging_free(&staging);
		cuts_free(&cuts);
	}
	if (late_state != FAILED)
		return -ENOTSUP;
	/* Before 4.3 the answer is ignored, and a task that runs on would do so without its bytes, or in a file that is not cut. */
	if (!criu_plugin_get_options && pid > 1 && kill(pid, SIGKILL))
		message("cannot kill task %d, which must not run after that: %s", pid, strerror(errno));
	return -1;
}

/* -1 has said why. fd is CRIU's from then on. */
static int store(int fd, const struct answer *answer)
{
	char key[KEY_MAX];

	make_key(key, answer);
	keys[key_count] = strdup(key);
	if (!keys[key_count]) {
		message("out of memory");
		close(fd);
		return -1;
	}
	if (inherit_fd_add(fd, keys[key_count++])) {
		message("CRIU did not take the descriptor for %s", key);
		close(fd);
		return -1;
	}
	return 0;
}

static int store_caller(const struct caller *caller)
{
	struct answer answer = {.caller_fd = caller->number};
	int fd = fcntl(caller->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0) {
		message("caller fd %u: cannot dup it: %s", caller->number, strerror(errno));
		return -1;
	}
	return store(fd, &answer);
}

static int store_reopened(const struct caller *caller, const struct graft *graft)
{
	struct answer answer = {.file_id = graft->file_id, .reopened = true};
	int fd = reopen(caller, graft);

	if (fd < 0) {
		message("caller fd %u: cannot open it a second time for file id %u: %s", caller->number, graft->file_id,
			strerror(errno));
		return -1;
	}
	return store(fd, &answer);
}

/* CRIU raises its limit itself where it may; where it did not, the hard one is still there to be used. */
static void raise_limit(size_t needed)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= needed || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	/* Where it fails, the open that needs it says so. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int store_all(const struct plan *plan, const struct callers *callers)
{
	keys = calloc(plan->graft_count + callers->count + 1, sizeof(*keys));
	answers = calloc(plan->graft_count + 1, sizeof(*answers));
	if (!keys || !answers) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		struct caller *caller = caller_find(callers, plan->grafts[i].caller_fd);

		if (plan->grafts[i].reopen || caller->stored)
			continue;
		if (store_caller(caller))
			return -1;
		caller->stored = true;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];

		if (graft->reopen && store_reopened(caller_find(callers, graft->caller_fd), graft))
			return -1;
		answers[i] = (struct answer){
			.file_id = graft->file_id, .caller_fd = graft->caller_fd, .reopened = graft->reopen};
	}
	answer_count = plan->graft_count;
	return 0;
}

static int check_digest(const struct plan *plan, const struct handover *handover)
{
	char ours[SHA256_HEX + 1], launchers[SHA256_HEX + 1];

	if (memcmp(plan->digest, handover->digest, SHA256_SIZE) == 0)
		return 0;
	sha256_hex(plan->digest, ours);
	sha256_hex(handover->digest, launchers);
	message("the plan in the image folder (SHA-256 %s) is not the one that fdgraft-exec was started with (%s); give the same folder to --plan and to -D",
		ours, launchers);
	return -1;
}

/* The descriptor that the launcher put at handed->fd has to be there still, and no other one. */
static int take(struct caller *caller, const struct handed *handed)
{
	if (!handed || handed->number != caller->number) {
		message("caller fd %u is not in " HANDOVER_ENV "; " START_RIGHT, caller->number);
		return -1;
	}
	caller->fd = handed->fd;
	if (caller_inspect(caller))
		return -1;
	if (caller->kind == CALLER_CLOSED) {
		message("caller fd %u was handed over as descriptor %d, which is closed: what runs between fdgraft-exec and CRIU has to let it through",
			caller->number, handed->fd);
		return -1;
	}
	if (caller->status.st_dev != handed->device || caller->status.st_ino != handed->inode ||
	    caller->status.st_mode != handed->mode) {
		message("caller fd %u was handed over as descriptor %d, which is open on another file now: what runs between fdgraft-exec and CRIU has to leave it alone",
			caller->number, handed->fd);
		return -1;
	}
	return 0;
}

static void close_handed(const struct handover *handover)
{
	for (size_t i = 0; i < handover->count; i++)
		close(handover->list[i].fd);
}

static int graft_all(struct plan *plan, int folder, const struct handover *handover)
{
	struct deliveries deliveries = {0};
	struct callers callers;
	int result = -1;

	if (check_digest(plan, handover) || hash_images(plan, folder) || callers_collect(&callers, plan))
		return -1;
	if (callers.count != handover->count) {
		message(HANDOVER_ENV " has %zu descriptors, the plan %zu caller fds; " START_RIGHT, handover->count, callers.count);
		goto out;
	}
	for (size_t i = 0; i < callers.count; i++)
		if (take(&callers.list[i], &handover->list[i]))
			goto out;
	if (choose(plan, &callers, false) || deliveries_collect(&deliveries, plan, &callers) ||
	    deliveries_check(&deliveries, plan, folder, GROW_PIPES) || pipe_sizes_restore(plan, &callers, NULL, GROW_PIPES) ||
	    cuts_check(&cuts, plan, &callers, NULL) || problem_count() > 0)
		goto out;
	raise_limit(plan->graft_count + 2 * callers.count + 2 * deliveries.count + cuts.count + 256);
	if (staging_fill(&staging, &deliveries, plan, folder, NULL, 0) || cuts_hold(&cuts, NULL, 0) ||
	    store_all(plan, &callers))
		goto out;
	close_handed(handover);
	result = 0;
out:
	problems_end();
	deliveries_free(&deliveries);
	callers_free(&callers);
	return result;
}

static int with_plan(struct plan *plan, int folder, const char *handover_text)
{
	struct handover handover;
	int result;

	if (!handover_text) {
		message("the image folder holds " PLAN_NAME ", and the caller's descriptors are not handed over (" HANDOVER_ENV
			" is not set); " START_RIGHT);
		return -1;
	}
	if (!inherit_fd_add || !inherit_fd_lookup_id) {
		message("this CRIU does not export %s, which the plugin needs; CRIU 3.17 to 4.3 do",
			inherit_fd_add ? "inherit_fd_lookup_id" : "inherit_fd_add");
		return -1;
	}
	if (handover_read(&handover, handover_text)) {
		message(HANDOVER_ENV " is not what this version of fdgraft-exec writes; use fdgraft-exec and fdgraft.so of one build");
		return -1;
	}
	result = graft_all(plan, folder, &handover);
	handover_free(&handover);
	return result;
}

static int start(const char *handover_text)
{
	struct plan plan;
	int folder;
	int result;

	if (!criu_get_image_dir) {
		message("this program does not export criu_get_image_dir: it is not a CRIU that loads plugins");
		return -1;
	}
	folder = criu_get_image_dir();
	switch (plan_open_in(&plan, folder, PLAN_NAME)) {
	case PLAN_FOUND:
		break;
	case PLAN_MISSING:
		if (handover_text)
			criu_log(CRIU_LOG_WARNING, "no " PLAN_NAME " in the image folder: nothing is inherited; give the folder of "
						   "fdgraft-exec's --plan to -D");
		return 0;
	default:
		return -1;
	}
	result = with_plan(&plan, folder, handover_text);
	plan_free(&plan);
	return result;
}

static void forget(void)
{
	for (size_t i = 0; i < key_count; i++)
		free(keys[i]);
	free(keys);
	free(answers);
	keys = NULL;
	answers = NULL;
	key_count = 0;
	answer_count = 0;
	staging_free(&staging);
	cuts_free(&cuts);
	late_state = NOT_DONE;
	if (link_folder)
		tempdir_remove(link_folder);
	free(link_folder);
	link_folder = NULL;
}

static char *take_variable(const char *name)
{
	const char *value = getenv(name);
	char *copy = value ? strdup(value) : NULL;

	/* So that nothing started later believes it. */
	unsetenv(name);
	return copy;
}

static int plugin_init(int stage)
{
	char *handover_text;
	int result;

	if (stage != CRIU_STAGE_RESTORE)
		return 0;
	message_to(criu_log_error, criu_log_warning);
	problems_reset();
	handover_text = take_variable(HANDOVER_ENV);
	link_folder = take_variable(FOLDER_ENV);
	result = start(handover_text);
	free(handover_text);
	/* CRIU calls no exit after a failed init. */
	if (result)
		forget();
	return result;
}

static void plugin_exit(int stage, int result)
{
	if (stage != CRIU_STAGE_RESTORE)
		return;
	for (size_t i = 0; result == 0 && late_state == NOT_DONE && i < staging.count; i++)
		message("caller fd %u: %llu unread bytes of the checkpoint were not delivered: CRIU did not ask for them, as when another plugin answers RESUME_DEVICES_LATE first",
			staging.list[i].caller_fd, (unsigned long long)staging.list[i].bytes);
	for (size_t i = 0; result == 0 && late_state == NOT_DONE && i < cuts.count; i++)
		message("caller fd %u: its file was not cut to %llu bytes: CRIU did not ask for it, as when another plugin answers RESUME_DEVICES_LATE first",
			cuts.list[i].caller_fd, (unsigned long long)cuts.list[i].size);
	forget();
}

extern __attribute__((visibility("default"))) struct criu_plugin CR_PLUGIN_DESC;

struct criu_plugin CR_PLUGIN_DESC = {
	.name = "fdgraft",
	.init = plugin_init,
	.exit = plugin_exit,
	.version = CRIU_INTERFACE_VERSION,
	.max_hooks = CRIU_HOOKS_USED,
	.hooks = {
		[CRIU_HOOK_RESTORE_EXT_FILE] = (void *)restore_ext_file,
		[CRIU_HOOK_RESUME_DEVICES_LATE] = (void *)resume_devices_late,
	},
};
