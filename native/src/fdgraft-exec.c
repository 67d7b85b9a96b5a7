/* The launcher: checks the caller's descriptors against a plan, then runs COMMAND. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "access-check.h"
#include "attach.h"
#include "choose.h"
#include "cloexec-list.h"
#include "command-words.h"
#include "cuts.h"
#include "debug-texts.h"
#include "escape.h"
#include "exit-codes.h"
#include "find-plan.h"
#include "hash-images.h"
#include "hold-stdio.h"
#include "images.h"
#include "launch.h"
#include "libs-variable.h"
#include "message.h"
#include "next-dump-check.h"
#include "offset-check.h"
#include "peer-check.h"
#include "pipe-size.h"
#include "plugin-directory.h"
#include "pty.h"
#include "pty-run.h"
#include "serve.h"
#include "session-check.h"
#include "shared-offset-check.h"
#include "shared-images.h"
#include "size-check.h"
#include "stderr-sink.h"
#include "task.h"
#include "unread.h"
#include "usage.h"
#include "watch-check.h"

/* Specs whose entries earlier specs took: nothing uses their descriptor, but it has to be there. */
static int check_shadowed_specs(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->head->n_specs; i++) {
		const Fdgraft__PlanSpec *spec = plan->head->specs[i];
		struct caller caller = {.number = spec->caller_fd, .fd = (int)spec->caller_fd};
		const char *wrong;
		struct shown shown;

		if (spec->matches == 0 || caller_find(callers, spec->caller_fd))
			continue;
		if (caller_inspect(&caller))
			return -1;
		wrong = caller.kind == CALLER_CLOSED ? "is not open" :
			caller.kind == CALLER_PATH   ? "was opened with O_PATH" :
			caller.kind == CALLER_DIRECTORY ? "is a directory" :
						       NULL;
		if (wrong)
			problem("caller fd %u %s (spec %s); open a file, pipe, terminal or socket there, or leave the spec out",
				spec->caller_fd, wrong, show_printed(&shown, spec->text));
	}
	return 0;
}

/* The parts of --pty, from the start on. */
struct terminal {
	struct pty pty;
	struct window window;
	struct offer offer;
};

/* Our own descriptors are at no number of the plan, so none is taken for one of the caller's. */
static int check_descriptors(const struct options *options, struct plan *plan, struct callers *callers, const struct pty *pty)
{
	for (size_t i = 0; i < callers->count; i++) {
		callers->list[i].fd = pty_fd_of(pty, callers->list[i].number);
		if (caller_inspect(&callers->list[i]))
			return -1;
	}
	if (check_shadowed_specs(plan, callers) || debug_check(plan) || choose(plan, callers, true))
		return -1;
	offsets_check(plan, callers);
	if (shared_offsets_check(plan, callers))
		return -1;
	peers_check(plan, callers);
	/* CRIU restores epolls, and tasks with their credentials; COMMAND of --task has those of the caller. */
	if (options->task)
		return 0;
	if (watches_check(plan, callers) || access_check(plan, callers))
		return -1;
	if (sessions_check(plan, callers, !options->serve && !options->pty))
		return -1;
	if (options->check)
		next_dump_check(plan, callers);
	return 0;
}

/* What happens to the caller's pipes and files. */
struct changes {
	struct unread_pipes unread;
	struct cuts cuts;
};

/* Returns an exit code; problems are only counted. */
static int check_changes(const struct options *options, struct changes *changes, struct plan *plan, const struct images *images,
			 const struct callers *callers, struct targets *targets)
{
	enum growing growing = options->check ? GROW_NOTHING : GROW_PIPES;
	struct unread_pipes *unread = &changes->unread;
	const struct targets *limit = options->task ? targets : NULL;

	if (options->task) {
		int code = targets_collect(targets, plan, options->task);

		if (code)
			return code;
		cloexec_list_check(targets, options->task);
	}
	if (unread_collect(unread, plan, callers))
		return EXIT_SYSTEM;
	if (options->task)
		unread_limit(unread, plan, callers, targets);
	if (unread_check(unread, plan, images->directory, growing) || pipe_sizes_restore(plan, callers, limit, growing) ||
	    cuts_check(&changes->cuts, plan, callers, limit))
		return EXIT_SYSTEM;
	/* COMMAND of --task has the limits of the caller. */
	if (!options->task && sizes_check(plan, callers))
		return EXIT_SYSTEM;
	debug_refuse(plan, unread, &changes->cuts);
	return 0;
}

struct restoring {
	const struct options *options;
	const struct plan *plan;
	const struct images *images;
	const struct callers *callers;
};

static int restore(const void *context)
{
	const struct restoring *it = context;

	return it->options->serve ? serve(it->options, it->plan, it->callers) :
				    launch(it->options, it->plan, it->callers, it->images);
}

static int run(const struct options *options, const struct plan *plan, const struct images *images, struct callers *callers,
	       const struct targets *targets, struct changes *changes, struct terminal *terminal)
{
	const struct restoring restoring = {.options = options, .plan = plan, .images = images, .callers = callers};
	const struct pty_command command = {.run = restore, .context = &restoring};
	struct plugin_directory unused;

	if (options->task)
		return run_task(options, plan, callers, targets, &changes->unread, &changes->cuts, images->directory);
	if (options->check)
		return plugin_directory_find(&unused, options->plugins, NULL);
	if (options->pty)
		return pty_run(&terminal->pty, &terminal->window, &terminal->offer, plan, images, options, &command);
	return restore(&restoring);
}

/* Without COMMAND, --serve sets no CRIU_LIBS_DIR that could hide a plugin. */
static int check_plugins(const struct options *options, const struct images *images)
{
	if (options->task || (options->serve && !options->command[0]))
		return 0;
	return plugin_directory_check(options->plugins, images, options->serve ? HIDDEN_IS_WARNING : HIDDEN_IS_PROBLEM);
}

/* Digests of a directory's images; those of an archive are checked by the plugin, where CRIU reads them. Returns an exit code. */
static int check_images(const struct options *options, const struct plan *plan, const struct images *images)
{
	if (options->task && images->directory < 0 && plan->unread_count > 0)
		problem("--task reads unread bytes of pipes from the images: unpack %s, and give the image directory to --plan",
			plan->shown_path);
	if (options->task)
		return 0;
	if (images->directory >= 0 && (hash_images(plan, images->directory) || shared_images_check(plan, images->directory)))
		return EXIT_SYSTEM;
	return refuse_command(options->command, plan, images, !options->serve, !options->pty);
}

static int check_and_run(const struct options *options, struct plan *plan, const struct images *images, struct callers *callers,
			 struct terminal *terminal)
{
	struct changes changes = {0};
	struct targets targets = {0};
	int code = check_images(options, plan, images);

	if (code == 0 && check_descriptors(options, plan, callers, &terminal->pty))
		code = EXIT_SYSTEM;
	if (code == 0) {
		code = check_changes(options, &changes, plan, images, callers, &targets);
		if (code == 0)
			code = check_plugins(options, images);
		problems_end();
	}
	if (code == 0 && problem_count() > 0)
		code = EXIT_UNUSABLE;
	if (code == 0)
		code = run(options, plan, images, callers, &targets, &changes, terminal);
	unread_free(&changes.unread);
	cuts_free(&changes.cuts);
	targets_free(&targets);
	return code;
}

static int open_terminal(struct terminal *terminal, const struct options *options, const struct plan *plan)
{
	int code = options->pty_socket ?
			   offer_prepare(&terminal->offer, plan, options->pty_socket) :
			   window_open(&terminal->window, plan,
				       "--pty shows the restored terminal there; start it in a window or by ssh -t, or write --pty=SOCKET and, in a window, fdgraft-exec --attach SOCKET");

	return code ? code : pty_make(&terminal->pty, plan, options, &terminal->window);
}

static void close_terminal(struct terminal *terminal)
{
	window_close(&terminal->window);
	offer_close(&terminal->offer);
	pty_close(&terminal->pty);
}

int main(int argc, char **argv)
{
	struct terminal terminal = {.pty = NO_PTY, .window = NO_WINDOW, .offer = NO_OFFER};
	struct callers callers = {0};
	struct options options;
	struct images images;
	struct plan plan;
	int code;

	message_to(stderr_sink, stderr_warning);
	if (!read_options(&options, argc, argv, &code))
		return code;
	if (hold_stdio())
		return EXIT_SYSTEM;
	if (options.attach)
		return attach(options.attach);
	/* That of another start, whose COMMAND has led here: its directory may be gone. */
	if (libs_variable_take_back()) {
		message("cannot set the environment: %s", cause_of(errno));
		return EXIT_SYSTEM;
	}
	switch (plan_find(&plan, options.plan, &images)) {
	case PLAN_FOUND:
		break;
	case PLAN_SYSTEM:
		return EXIT_SYSTEM;
	default:
		return EXIT_UNUSABLE;
	}
	/* Before any look at a number of the caller's. */
	code = images_clear_of_callers(&images, &plan) ? EXIT_SYSTEM : 0;
	if (code == 0 && options.pty)
		code = open_terminal(&terminal, &options, &plan);
	if (code == 0 && callers_collect(&callers, &plan))
		code = EXIT_SYSTEM;
	if (code == 0)
		code = check_and_run(&options, &plan, &images, &callers, &terminal);
	close_terminal(&terminal);
	images_close(&images);
	callers_free(&callers);
	plan_free(&plan);
	return code;
}
