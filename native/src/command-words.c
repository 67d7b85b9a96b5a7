#include "command-words.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config-lines.h"
#include "escape.h"
#include "exit-codes.h"
#include "message.h"
#include "session-job.h"
#include "shared-images.h"

/* True for --NAME, --NAME=… and what of it getopt_long still knows: at least the first `least` letters. */
static bool is_long_option(const char *word, const char *name, size_t least)
{
	size_t length;

	if (strncmp(word, "--", 2) != 0)
		return false;
	word += 2;
	length = strcspn(word, "=");
	return length >= least && length <= strlen(name) && strncmp(word, name, length) == 0;
}

/* CRIU's short options without a value, which may stand before another one in one word. */
#define SHORT_OPTIONS "dsSRhVjl"

bool is_libdir_word(const char *word)
{
	if (word[0] == '-' && word[1] != '-')
		return word[1 + strspn(word + 1, SHORT_OPTIONS)] == 'L';
	return is_long_option(word, "libdir", 3);
}

bool is_auto_dedup_word(const char *word)
{
	return is_long_option(word, "auto-dedup", 2);
}

bool is_inherit_fd_word(const char *word)
{
	return is_long_option(word, "inherit-fd", 2);
}

bool is_shell_job_word(const char *word)
{
	if (word[0] == '-' && word[1] != '-')
		return memchr(word + 1, 'j', strspn(word + 1, SHORT_OPTIONS)) != NULL;
	return is_long_option(word, "shell-job", 2);
}

bool is_no_shell_job_word(const char *word)
{
	return is_long_option(word, "no-shell-job", 5);
}

/*
 * True for a directory that continues an earlier dump: CRIU reads pages through that link, and punches holes as well.
 */
static bool has_parent(int directory)
{
	struct stat status;

	return fstatat(directory, "parent", &status, 0) == 0 && S_ISDIR(status.st_mode);
}

static bool is_program(const char *word, const char *name)
{
	const char *slash = strrchr(word, '/');

	return strcmp(slash ? slash + 1 : word, name) == 0;
}

static bool is_podman(const char *program)
{
	return program && is_program(program, "podman");
}

static bool is_runtime(const char *word)
{
	return is_podman(word) || is_program(word, "runc") || is_program(word, "crun");
}

/* As far as words tell, whatever starts it: a runtime says by RPC what it wants. */
static bool is_criu_restore(char *const *command)
{
	bool is_criu = false;

	for (size_t i = 0; command[i]; i++) {
		if (is_criu && strcmp(command[i], "restore") == 0)
			return true;
		if (!is_criu && is_runtime(command[i]))
			return false;
		is_criu = is_criu || is_program(command[i], "criu") || is_program(command[i], "criu-ns");
	}
	return false;
}

/* The last word decides. */
static bool has_shell_job(char *const *command, bool by_config)
{
	bool has = by_config;

	for (size_t i = 0; command[i]; i++) {
		if (is_shell_job_word(command[i]))
			has = true;
		else if (is_no_shell_job_word(command[i]))
			has = false;
	}
	return has;
}

/* -1 if it is not known: a program that starts criu, such as setsid, sudo or unshare, can give it another one. */
static pid_t session_of_criu(char *const *command)
{
	return is_program(command[0], "criu") ? getsid(0) : -1;
}

/* Tried with podman 5.4: the tasks come back, and conmon then fails over the terminal that runc does not send. */
static void refuse_podman(const struct plan *plan)
{
	for (size_t i = 0; i < plan->graft_count; i++)
		if (is_whole_terminal(&plan->grafts[i])) {
			problem("COMMAND is podman, and the plan has a terminal (file id %u): podman's monitor waits for one of its own, and ends the container without it; restore with runc, or leave the terminal to podman",
				plan->grafts[i].file_id);
			return;
		}
}

/* Its number, or -1. */
static long swrk_socket(char *const *command)
{
	for (size_t i = 0; command[i] && command[i + 1]; i++) {
		const char *number = command[i + 1];
		size_t length = strlen(number);

		if (strcmp(command[i], "swrk") == 0 && length > 0 && strspn(number, "0123456789") == length)
			return strtol(number, NULL, 10);
	}
	return -1;
}

/* A client of CRIU's RPC can start it through fdgraft-exec. The caller fds are closed before COMMAND starts. */
static void refuse_socket(const struct plan *plan, char *const *command)
{
	long socket = swrk_socket(command);
	bool taken = false;

	for (size_t i = 0; i < plan->graft_count; i++)
		taken = taken || socket == (long)plan->grafts[i].caller_fd;
	for (size_t i = 0; i < plan->head->n_debugs; i++)
		taken = taken || socket == (long)plan->head->debugs[i]->caller_fd;
	if (taken)
		problem("COMMAND has swrk %ld: criu talks to its client over that fd, and the plan has it as a caller fd; rewrite with another number in --inherit-fd, or let the client have its socket at another one",
			socket);
}

/* -1 has said why. */
static int refuse_dedup(const char *word, const struct config_found *config, const struct plan *plan, int directory)
{
	struct shown shown, shown_name;
	char linked[NAME_MAX + 1];

	/* COMMAND unpacks an archive itself: its images share nothing. */
	if ((!word && !config->auto_dedup_file) || directory < 0)
		return 0;
	if (find_linked_pages(directory, linked))
		return -1;
	if (has_parent(directory) && word)
		problem("COMMAND has %s, and parent beside %s leads to the previous dump: restoring would punch holes into the pages of that one; leave the option out",
			show_raw(&shown, word), plan->shown_path);
	else if (has_parent(directory))
		problem("%s, line %zu: auto-dedup, and parent beside %s leads to the previous dump: restoring would punch holes into the pages of that one; run COMMAND with --no-default-config",
			config->auto_dedup_file, config->auto_dedup_line, plan->shown_path);
	else if (linked[0] && word)
		problem("COMMAND has %s, and %s beside %s is a link: restoring would punch holes into the pages of the source; leave the option out, or rewrite with --link copy",
			show_raw(&shown, word), show_raw(&shown_name, linked), plan->shown_path);
	else if (linked[0])
		problem("%s, line %zu: auto-dedup, and %s beside %s is a link: restoring would punch holes into the pages of the source; run COMMAND with --no-default-config, or rewrite with --link copy",
			config->auto_dedup_file, config->auto_dedup_line, show_raw(&shown_name, linked), plan->shown_path);
	return 0;
}

int refuse_command(char *const *command, const struct plan *plan, const struct images *images, bool own_plugin,
		   bool own_session)
{
	struct config_found config = {.libdir_is_wrong = own_plugin};
	const char *dedup_word = NULL;
	struct shown shown;
	int code = 0;

	for (size_t i = 0; command[i] && strcmp(command[i], "--") != 0; i++) {
		if (own_plugin && is_libdir_word(command[i]))
			problem("COMMAND has %s: CRIU would load its plugins from there alone and never see fdgraft.so; leave it out and give its directory as fdgraft-exec --plugins DIR",
				show_raw(&shown, command[i]));
		if (is_auto_dedup_word(command[i]))
			dedup_word = command[i];
	}
	if (is_podman(command[0]))
		refuse_podman(plan);
	refuse_socket(plan, command);
	if (config_look(&config, command))
		return EXIT_SYSTEM;
	if (refuse_dedup(dedup_word, &config, plan, images->directory))
		code = EXIT_SYSTEM;
	else if (is_criu_restore(command) && !has_shell_job(command, config.shell_job))
		code = session_job_refuse(images, own_session ? session_of_criu(command) : -1);
	free(config.auto_dedup_file);
	return code;
}
