/*
 * The plugin. init fetches the caller's descriptors from the launcher's keeper, opens again what has to be, and stores all in
 * CRIU's own list; the hook for files only looks up, because it runs among the descriptors of a restored task. Bytes that
 * were unread in a pipe are kept by init and delivered when all tasks are restored and none runs yet, and then
 * O_NONBLOCK is set and files are cut: if the restore fails before, none of these happens.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "answers.h"
#include "choose.h"
#include "criu.h"
#include "cuts.h"
#include "fetch.h"
#include "foreground.h"
#include "hash-images.h"
#include "leaders.h"
#include "libs-variable.h"
#include "lock-variable.h"
#include "message.h"
#include "nonblock.h"
#include "pipe-size.h"
#include "pages-guard.h"
#include "plan.h"
#include "redirect.h"
#include "shared-images.h"
#include "socket-variable.h"
#include "terminals.h"
#include "unread.h"
#include "unread-copies.h"

/* For CRIU itself, which opens images meanwhile, and for what opens and closes here. */
#define SPARE_DESCRIPTORS 256
/* The directory of the start, where the links to plugins in it are left to this process. */
static struct start_dir start_dir = {.base = -1, .fd = -1};

static struct unread_copies copies;
static struct cuts cuts;
static struct nonblocks nonblocks;
static struct terminals terminals;
/* Of all three. */
static enum { NOT_DONE, DONE, FAILED } late_state;

static int restore_ext_file(int id, bool *retry_needed)
{
	/* Before 4.3 there is no second argument, and what stands in its place is not ours to write through. */
	if (criu_plugin_get_options)
		*retry_needed = false;
	return answers_fd((uint32_t)id);
}

/* The cuts come last: bytes in a pipe and flags can be taken back. */
static int change_late(void)
{
	if (cuts_ready(&cuts) || unread_copies_deliver(&copies))
		return -1;
	if (nonblocks_set(&nonblocks) == 0) {
		if (cuts_make(&cuts) == 0) {
			terminals_resize(&terminals);
			return 0;
		}
		nonblocks_take_back(&nonblocks);
	}
	unread_copies_take_back(&copies);
	return -1;
}

static size_t late_count(void)
{
	return copies.count + nonblocks.count + cuts.count + terminals.count;
}

static void free_late(void)
{
	unread_copies_free(&copies);
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
		message("cannot kill task %d, which must not run after that: %s", pid, cause_of(errno));
	return -1;
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

/* What comes over a socket is what the launcher had: it is looked at once more for its flags and offset. */
static int inspect_all(struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++)
		if (caller_inspect(&callers->list[i]))
			return -1;
	return 0;
}

static int graft_all(struct plan *plan, int directory, const char *variable)
{
	struct unread_pipes unread = {0};
	struct callers callers;
	int result = -1;

	if (hash_images(plan, directory) || shared_images_check(plan, directory) || problem_count() > 0 ||
	    callers_collect(&callers, plan))
		return -1;
	raise_limit(plan->graft_count + 7 * callers.count + SPARE_DESCRIPTORS);
	if (fetch(&callers, plan, variable, &start_dir) || inspect_all(&callers))
		goto out;
	if (choose(plan, &callers, false) || unread_collect(&unread, plan, &callers) ||
	    unread_check(&unread, plan, directory, GROW_PIPES) || pipe_sizes_restore(plan, &callers, NULL, GROW_PIPES) ||
	    cuts_check(&cuts, plan, &callers, NULL) || nonblocks_collect(&nonblocks, plan, &callers, NULL) ||
	    problem_count() > 0)
		goto out;
	if (unread_copies_fill(&copies, &unread, plan, directory, NULL, 0) || cuts_hold(&cuts, NULL, 0) ||
	    nonblocks_hold(&nonblocks, NULL, 0) || terminals_hold(&terminals, plan, &callers) ||
	    foreground_hold(plan, &callers) || answers_store(plan, &callers) || leaders_start(plan) || pages_guard_start(directory))
		goto out;
	result = 0;
out:
	problems_end();
	fetched_close(&callers);
	unread_free(&unread);
	callers_free(&callers);
	return result;
}

static int start(const char *variable)
{
	struct plan plan;
	int directory;
	int result = -1;

	if (!criu_get_image_dir) {
		message("this program does not export criu_get_image_dir: it is not a CRIU that loads plugins");
		return -1;
	}
	directory = criu_get_image_dir();
	switch (plan_open_in(&plan, directory, PLAN_NAME)) {
	case PLAN_FOUND:
		break;
	case PLAN_MISSING:
		/* The plugin may lie in CRIU's own directory, where it has no use for other restores. */
		if (!variable)
			return 0;
		message("no " PLAN_NAME " in the image directory, so nothing would be inherited; give the directory of fdgraft-exec's "
			"--plan to -D, or start this restore without fdgraft-exec");
		return -1;
	default:
		return -1;
	}
	if (inherit_fd_add && inherit_fd_lookup_id)
		result = graft_all(&plan, directory, variable);
	else
		message("this CRIU does not export %s, which the plugin needs; CRIU 3.17 to 4.3 do",
			inherit_fd_add ? "inherit_fd_lookup_id" : "inherit_fd_add");
	plan_free(&plan);
	return result;
}

static void forget(void)
{
	answers_forget();
	redirect_end();
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
	char *variable, *lock;
	int result;

	if (stage != CRIU_STAGE_RESTORE)
		return 0;
	message_to(criu_log_error, criu_log_warning);
	problems_reset();
	lock = take_variable(LOCK_ENV);
	if (criu_get_image_dir)
		lock_close_on_exec(lock, criu_get_image_dir());
	free(lock);
	/* CRIU has read it. Its scripts and the command of --exec-cmd may start other CRIUs, long after this directory is gone. */
	if (libs_variable_take_back())
		message("cannot set the environment: %s", cause_of(errno));
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
	for (size_t i = 0; result == 0 && late_state == NOT_DONE && i < copies.count; i++)
		message("caller fd %u: %llu unread bytes of the checkpoint were not delivered: CRIU did not ask for them, as when another plugin answers RESUME_DEVICES_LATE first",
			copies.list[i].caller_fd, (unsigned long long)copies.list[i].bytes);
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
