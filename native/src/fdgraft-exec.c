/* The launcher: checks the caller's descriptors against a plan, then runs COMMAND. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "choose.h"
#include "command-words.h"
#include "debug-texts.h"
#include "escape.h"
#include "exit-codes.h"
#include "hash-images.h"
#include "launch.h"
#include "message.h"
#include "plugin-folder.h"
#include "stderr-sink.h"
#include "task.h"
#include "usage.h"

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
			caller.kind == CALLER_FOLDER ? "is a folder" :
						       NULL;
		if (wrong)
			problem("caller fd %u %s (spec %s); open a file, pipe, terminal or socket there, or leave the spec out",
				spec->caller_fd, wrong, show_printed(&shown, spec->text));
	}
	return 0;
}

/* Our own descriptors are closed before this, so none of them is taken for one of the caller's. */
static int check_descriptors(struct plan *plan, struct callers *callers)
{
	for (size_t i = 0; i < callers->count; i++) {
		callers->list[i].fd = (int)callers->list[i].number;
		if (caller_inspect(&callers->list[i]))
			return -1;
	}
	return check_shadowed_specs(plan, callers) || debug_check(plan) || choose(plan, callers, true) ? -1 : 0;
}

static int check_and_run(const struct options *options, struct plan *plan, int folder, struct callers *callers)
{
	struct plugin_folder unused;
	int failed = 0;
	int code;

	if (!options->task)
		failed = hash_images(plan, folder) || refuse_command(options->command, plan, folder);
	close(folder);
	if (failed)
		return EXIT_SYSTEM;
	if (plan_refuse_replay(plan))
		return EXIT_UNUSABLE;
	if (check_descriptors(plan, callers))
		return EXIT_SYSTEM;
	problems_end();
	if (problem_count() > 0)
		return EXIT_UNUSABLE;
	if (options->task)
		return run_task(options, plan, callers);
	if (!options->check)
		return launch(options, plan, callers);
	code = plugin_folder_find(&unused, options->plugins, true);
	return code;
}

int main(int argc, char **argv)
{
	struct callers callers = {0};
	struct options options;
	struct plan plan;
	int code, folder;

	message_to(stderr_sink);
	if (!read_options(&options, argc, argv, &code))
		return code;
	switch (plan_open(&plan, options.plan, &folder)) {
	case PLAN_FOUND:
		break;
	case PLAN_SYSTEM:
		return EXIT_SYSTEM;
	default:
		return EXIT_UNUSABLE;
	}
	if (callers_collect(&callers, &plan)) {
		close(folder);
		code = EXIT_SYSTEM;
	} else {
		code = check_and_run(&options, &plan, folder, &callers);
	}
	callers_free(&callers);
	plan_free(&plan);
	return code;
}
