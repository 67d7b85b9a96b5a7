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

#include "command-fds.h"
#include "debug-texts.h"
#include "dump-pids.h"
#include "escape.h"
#include "exit-codes.h"
#include "keeper.h"
#include "libs-variable.h"
#include "limit.h"
#include "message.h"
#include "plugin-directory.h"
#include "socket-variable.h"

static int cannot_run(const char *name, int error)
{
	struct shown shown;

	message("cannot run %s: %s%s", show_raw(&shown, name), cause_of(error),
		error == ENOENT ? "; install it, or give its path" : "");
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

int launch_environment(const struct plan *plan, const struct options *options, struct start_dir *dir)
{
	struct plugin_directory directory;
	char digest[SHA256_HEX + 1];
	int code = plugin_directory_find(&directory, options->plugins, dir);

	if (code)
		return code;
	sha256_hex(plan->digest, digest);
	if (socket_variable_set(digest, dir->path) == 0 && libs_variable_set(directory.path) == 0)
		return 0;
	message("cannot set the environment: %s", cause_of(errno));
	return EXIT_SYSTEM;
}

static int run_with_keeper(const struct options *options, const struct plan *plan, const struct callers *callers,
			   const struct dump_pids *pids, struct start_dir *dir, const struct rlimit *limit)
{
	struct keeper keeper;
	int code = EXIT_SYSTEM;

	if (keeper_start(&keeper, plan, callers, pids, dir)) {
		start_dir_remove(dir);
		return EXIT_SYSTEM;
	}
	if (debug_write(plan) == 0 && limit_set_back(limit) == 0) {
		command_fds_close(options->command, plan, callers);
		code = run_command(options->command);
	}
	keeper_end(&keeper);
	/* The directory is still there if somebody killed the keeper. */
	start_dir_remove(dir);
	return code;
}

int launch(const struct options *options, const struct plan *plan, const struct callers *callers, const struct images *images)
{
	struct dump_pids pids = {0};
	struct start_dir dir = NO_START_DIR;
	struct rlimit limit;
	int code = dump_pids_read(&pids, images);

	if (code == 0 && limit_raise(&limit))
		code = EXIT_SYSTEM;
	if (code == 0)
		code = start_dir_make(&dir, NULL);
	if (code == 0)
		code = launch_environment(plan, options, &dir);
	if (code)
		start_dir_remove(&dir);
	else
		code = run_with_keeper(options, plan, callers, &pids, &dir, &limit);
	dump_pids_free(&pids);
	return code;
}
