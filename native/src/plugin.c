/*
 * The plugin. init fetches the caller's descriptors from the launcher's keeper, opens again what has to be, and stores all in
 * CRIU's own list; the hook for files only looks up, because it runs among the descriptors of a restored task. Bytes that
 * were unread in a pipe are kept by init and delivered when all tasks are restored and none runs yet, and then
 * O_NONBLOCK is set and files are cut: if the restore fails before, none of these happens.
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
#include "fetch.h"
#include "foreground.h"
#include "hash-images.h"
#include "leaders.h"
#include "message.h"
#include "nonblock.h"
#include "pipe-size.h"
#include "plan.h"
#include "reopen.h"
#include "socket-variable.h"
#include "staging.h"
#include "terminals.h"

/* For CRIU itself, which opens images meanwhile, and for what opens and closes here. */
#define SPARE_DESCRIPTORS 256
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
/* The directory of the start, where the links to plugins in it are left to this process. */
static struct start_dir start_dir = {.base = -1, .fd = -1};

static struct staging staging;
static struct cuts cuts;
static struct nonblocks nonblocks;
static struct terminals terminals;
/* Of all three. */
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

/* The cuts come last: bytes in a pipe and flags can be taken back. */
static int change_late(void)
{
	if (cuts_ready(&cuts) || staging_deliver(&staging))
		return -1;
	if (nonblocks_set(&nonblocks) == 0) {
		if (cuts_make(&cuts) == 0) {
			terminals_resize(&terminals);
			return 0;
		}
		nonblocks_take_back(&nonblocks);
	}
	staging_take_back(&staging);
	return -1;
}

static size_t late_count(void)
{
	return staging.count + nonblocks.count + cuts.count + terminals.count;
}

static void free_late(void)
{
	staging_free(&staging);
	nonblocks_free(&nonblocks);
	terminals_free(&terminals);
	cuts_free(&cuts);
}

static int resume_devices_late(int pid)
{
	foreground_give(pid);
	/* Called for each task; the bytes come once, and then no end of the pipe stays open here. */
	if (late_count() > 0 && late_state == NOT_DONE) {
		late_state = change_late() ? FAILED : DONE;
		free_late();
	}
	if (late_state != FAILED)
		return -ENOTSUP;
	/* Before 4.3 the answer is ignored, and a task that runs on would do so without its bytes, or in a file that is not cut. */
	if (!criu_plugin_get_options && pid > 1 && kill(pid, SIGKILL))
		message("cannot kill task %d, which must not run after that: %s", pid, strerror(errno));
	return -1;
}

/* -1 has said why. fd is CRIU's from then on. */
static int store(int fd, const char *key)
{
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

static int store_dup(const struct caller *caller, const char *key)
{
	int fd = fcntl(caller->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0) {
		message("caller fd %u: cannot dup it: %s", caller->number, strerror(errno));
		return -1;
	}
	return store(fd, key);
}

static int store_caller(const struct caller *caller)
{
	struct answer answer = {.caller_fd = caller->number};
	char key[KEY_MAX];

	make_key(key, &answer);
	return store_dup(caller, key);
}

static int store_reopened(const struct caller *caller, const struct graft *graft)
{
	struct answer answer = {.file_id = graft->file_id, .reopened = true};
	int fd = reopen(caller, graft);
	char key[KEY_MAX];

	if (fd < 0) {
		message("caller fd %u: cannot open it a second time for file id %u: %s", caller->number, graft->file_id,
			strerror(errno));
		return -1;
	}
	make_key(key, &answer);
	return store(fd, key);
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

		if (plan->grafts[i].own_key.text) {
			if (!plan->grafts[i].own_key.repeated && store_dup(caller, plan->grafts[i].own_key.text))
				return -1;
			continue;
		}
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
		/* CRIU asks for the others by their own keys. */
		if (!graft->own_key.text)
			answers[answer_count++] = (struct answer){
				.file_id = graft->file_id, .caller_fd = graft->caller_fd, .reopened = graft->reopen};
	}
	return 0;
}

/* What comes over a socket is what the launcher had: it is looked at once more for its flags and offset. */
static int inspect_all(struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++)
		if (caller_inspect(&callers->list[i]))
			return -1;
	return 0;
}

static int graft_all(struct plan *plan, int folder, const char *variable)
{
	struct deliveries deliveries = {0};
	struct callers callers;
	int result = -1;

	if (hash_images(plan, folder) || problem_count() > 0 || callers_collect(&callers, plan))
		return -1;
	raise_limit(plan->graft_count + 7 * callers.count + SPARE_DESCRIPTORS);
	if (fetch(&callers, plan, variable, &start_dir) || inspect_all(&callers))
		goto out;
	if (choose(plan, &callers, false) || deliveries_collect(&deliveries, plan, &callers) ||
	    deliveries_check(&deliveries, plan, folder, GROW_PIPES) || pipe_sizes_restore(plan, &callers, NULL, GROW_PIPES) ||
	    cuts_check(&cuts, plan, &callers, NULL) || nonblocks_collect(&nonblocks, plan, &callers, NULL) ||
	    problem_count() > 0)
		goto out;
	if (staging_fill(&staging, &deliveries, plan, folder, NULL, 0) || cuts_hold(&cuts, NULL, 0) ||
	    nonblocks_hold(&nonblocks, NULL, 0) || terminals_hold(&terminals, plan, &callers) ||
	    foreground_hold(plan, &callers) || store_all(plan, &callers) || leaders_start(plan))
		goto out;
	result = 0;
out:
	problems_end();
	fetched_close(&callers);
	deliveries_free(&deliveries);
	callers_free(&callers);
	return result;
}

static int start(const char *variable)
{
	struct plan plan;
	int folder;
	int result = -1;

	if (!criu_get_image_dir) {
		message("this program does not export criu_get_image_dir: it is not a CRIU that loads plugins");
		return -1;
	}
	folder = criu_get_image_dir();
	switch (plan_open_in(&plan, folder, PLAN_NAME)) {
	case PLAN_FOUND:
		break;
	case PLAN_MISSING:
		if (variable)
			criu_log(CRIU_LOG_WARNING, "no " PLAN_NAME " in the image directory: nothing is inherited; give the directory of "
						   "fdgraft-exec's --plan to -D");
		return 0;
	default:
		return -1;
	}
	if (inherit_fd_add && inherit_fd_lookup_id)
		result = graft_all(&plan, folder, variable);
	else
		message("this CRIU does not export %s, which the plugin needs; CRIU 3.17 to 4.3 do",
			inherit_fd_add ? "inherit_fd_lookup_id" : "inherit_fd_add");
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
	leaders_end();
	foreground_end(false);
	free_late();
	late_state = NOT_DONE;
	start_dir_remove(&start_dir);
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
	char *variable;
	int result;

	if (stage != CRIU_STAGE_RESTORE)
		return 0;
	message_to(criu_log_error, criu_log_warning);
	problems_reset();
	variable = take_variable(SOCKET_ENV);
	result = start(variable);
	free(variable);
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
	for (size_t i = 0; result == 0 && late_state == NOT_DONE && i < nonblocks.count; i++)
		message("caller fd %u: O_NONBLOCK was not set on it: CRIU did not ask for it, as when another plugin answers RESUME_DEVICES_LATE first",
			nonblocks.list[i].caller_fd);
	/* CRIU changes them early. */
	if (result != 0)
		terminals_reset(&terminals);
	/* Without -d, CRIU has waited for the tasks. */
	foreground_end(result == 0);
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
