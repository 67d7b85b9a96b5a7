#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "debug-texts.h"
#include "escape.h"
#include "exit-codes.h"
#include "handover.h"
#include "message.h"
#include "move-fds.h"
#include "plugin-folder.h"

static int cannot_run(const char *name, int error)
{
	struct shown shown;

	message("cannot run %s: %s", show_raw(&shown, name), strerror(error));
	return error == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

int run_command(char *const *command)
{
	execvp(command[0], command);
	return cannot_run(command[0], errno);
}

/* True where a file can be executed, as far as its mode tells. */
static bool is_executable(const char *path)
{
	struct stat status;

	if (stat(path, &status) || faccessat(AT_FDCWD, path, X_OK, AT_EACCESS))
		return false;
	if (S_ISREG(status.st_mode))
		return true;
	errno = EACCES;
	return false;
}

int look_for_command(const char *name)
{
	const char *at = getenv("PATH");
	int error = ENOENT;

	if (strchr(name, '/'))
		return is_executable(name) ? 0 : cannot_run(name, errno);
	if (!at)
		at = "/bin:/usr/bin";
	for (;; at++) {
		size_t length = strcspn(at, ":");
		char path[PATH_MAX];
		int written = snprintf(path, sizeof(path), "%.*s%s%s", (int)length, at, length > 0 ? "/" : "", name);

		if (written >= 0 && (size_t)written < sizeof(path)) {
			if (is_executable(path))
				return 0;
			if (errno == EACCES)
				error = EACCES;
		}
		at += length;
		if (*at == '\0')
			return cannot_run(name, error);
	}
}

static int set_environment(const struct plan *plan, const struct callers *callers, const struct plugin_folder *folder)
{
	struct text handover = {0};
	int result;

	if (handover_write(&handover, plan->digest, callers)) {
		message("out of memory");
		return EXIT_SYSTEM;
	}
	if (sizeof(HANDOVER_ENV "=") + handover.length >= HANDOVER_MAX) {
		message("%zu caller fds are more than an environment can name; use fewer different ones in the specs", callers->count);
		text_free(&handover);
		return EXIT_UNUSABLE;
	}
	result = setenv(HANDOVER_ENV, handover.bytes, 1) || setenv("CRIU_LIBS_DIR", folder->path, 1) ||
		 (folder->made ? setenv(FOLDER_ENV, folder->path, 1) : unsetenv(FOLDER_ENV));
	text_free(&handover);
	if (result)
		message("cannot set the environment: %s", strerror(errno));
	return result ? EXIT_SYSTEM : 0;
}

/* The store keeps what is needed; an end of a pipe left open here would keep its other end from seeing EOF. */
static void close_originals(const struct plan *plan)
{
	for (size_t i = 0; i < plan->head->n_specs; i++)
		if (plan->head->specs[i]->matches > 0 && plan->head->specs[i]->caller_fd > 2)
			close((int)plan->head->specs[i]->caller_fd);
}

int launch(const struct options *options, const struct plan *plan, struct callers *callers)
{
	struct plugin_folder folder;
	int result = plugin_folder_find(&folder, options->plugins, false);

	if (result)
		return result;
	if (move_high(callers))
		result = EXIT_SYSTEM;
	else
		result = set_environment(plan, callers, &folder);
	if (result == 0 && debug_write(plan))
		result = EXIT_SYSTEM;
	if (result == 0) {
		close_originals(plan);
		result = run_command(options->command);
	}
	plugin_folder_remove(&folder);
	return result;
}
