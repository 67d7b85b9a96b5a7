#include "config-lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command-words.h"
#include "escape.h"
#include "message.h"

#define SYSTEM_CONFIG "/etc/criu/default.conf"
#define USER_CONFIG "%s/.criu/default.conf"
/* Real ones have some ten lines. */
#define CONFIG_SIZE_MAX ((size_t)1 << 20)

/* The first word of a line is a long option without its dashes, the others are words as on a command line. */
static bool line_has(char *line, bool (*is_it)(const char *))
{
	bool first = true;
	char *rest = NULL;

	for (char *word = strtok_r(line, " \t\r\n\v\f", &rest); word; word = strtok_r(NULL, " \t\r\n\v\f", &rest)) {
		char option[64];

		if (word[0] == '#')
			return false;
		if (first && word[0] == '"')
			word++;
		snprintf(option, sizeof(option), "%s%s", first ? "--" : "", word);
		if (is_it(option))
			return true;
		first = false;
	}
	return false;
}

static int look_at_line(struct config_found *found, const char *line, size_t number, const char *shown_path)
{
	char *copy = strdup(line);
	bool libdir, dedup, shell_job, no_shell_job;

	if (!copy)
		return -1;
	libdir = line_has(copy, is_libdir_word);
	memcpy(copy, line, strlen(line) + 1);
	dedup = line_has(copy, is_auto_dedup_word);
	memcpy(copy, line, strlen(line) + 1);
	shell_job = line_has(copy, is_shell_job_word);
	memcpy(copy, line, strlen(line) + 1);
	no_shell_job = line_has(copy, is_no_shell_job_word);
	free(copy);
	if (shell_job || no_shell_job)
		found->shell_job = shell_job;
	if (libdir && found->libdir_is_wrong)
		problem("%s, line %zu: libdir: CRIU would load its plugins from there alone and never see fdgraft.so; run COMMAND with --no-default-config or take the line out, and give its directory as fdgraft-exec --plugins DIR",
			shown_path, number);
	if (dedup && !found->auto_dedup_file) {
		found->auto_dedup_file = strdup(shown_path);
		found->auto_dedup_line = number;
		if (!found->auto_dedup_file)
			return -1;
	}
	return 0;
}

static int look_at_stream(struct config_found *found, FILE *stream, const char *shown_path)
{
	char *line = NULL;
	size_t room = 0, number = 0, size = 0;
	ssize_t length;
	int result = 0;

	while (result == 0 && (length = getline(&line, &room, stream)) >= 0) {
		size += (size_t)length;
		if (size > CONFIG_SIZE_MAX) {
			problem("%s: larger than %zu bytes; allowed are configuration files up to that", shown_path, CONFIG_SIZE_MAX);
			break;
		}
		result = look_at_line(found, line, ++number, shown_path);
	}
	free(line);
	return result;
}

/* What cannot be read is left to CRIU, which says so; a pipe must not be emptied before CRIU reads it. */
static int look_at_file(struct config_found *found, const char *path)
{
	struct shown shown;
	struct stat status;
	FILE *stream;
	int result;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) || !(stream = fdopen(fd, "r"))) {
		close(fd);
		return 0;
	}
	result = status.st_size > (off_t)CONFIG_SIZE_MAX ? 0 : look_at_stream(found, stream, show_raw(&shown, path));
	if (status.st_size > (off_t)CONFIG_SIZE_MAX)
		problem("%s: larger than %zu bytes; allowed are configuration files up to that", show_raw(&shown, path),
			CONFIG_SIZE_MAX);
	fclose(stream);
	return result;
}

int config_look(struct config_found *found, char *const *command)
{
	const char *home = getenv("HOME");
	const char *from_environment = getenv("CRIU_CONFIG_FILE");
	const char *named = NULL;
	bool defaults = true;
	int result = 0;

	/* CRIU looks for these two before it parses, by their full names, and past a -- too. */
	for (size_t i = 0; command[i]; i++) {
		if (strcmp(command[i], "--no-default-config") == 0)
			defaults = false;
		if (strcmp(command[i], "--config") == 0 && command[i + 1])
			named = command[i + 1];
		else if (strncmp(command[i], "--config=", 9) == 0)
			named = command[i] + 9;
	}
	if (defaults && !named) {
		char *path = NULL;

		result = look_at_file(found, SYSTEM_CONFIG);
		if (result == 0 && home) {
			if (asprintf(&path, USER_CONFIG, home) < 0)
				path = NULL;
			result = path ? look_at_file(found, path) : -1;
			free(path);
		}
	}
	if (result == 0 && from_environment)
		result = look_at_file(found, from_environment);
	if (result == 0 && named)
		result = look_at_file(found, named);
	if (result) {
		message("out of memory");
		free(found->auto_dedup_file);
		found->auto_dedup_file = NULL;
	}
	return result;
}
