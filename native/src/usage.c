#include "usage.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "exit-codes.h"
#include "help.h"
#include "message.h"
#include "plan-limits.h"
#include "take-stdio.h"

/* Ten years. */
#define TIMEOUT_MAX 315360000
#define SEE_HELP "; see fdgraft-exec --help"

static bool print(const char *text, int *code)
{
	*code = EXIT_FITS;
	if (fputs(text, stdout) != EOF && fflush(stdout) != EOF)
		return false;
	*code = EXIT_SYSTEM;
	/* A reader that has stopped reading knows that. */
	if (errno != EPIPE)
		message("cannot write to stdout: %s", cause_of(errno));
	return false;
}

static bool wrong(int *code)
{
	*code = EXIT_UNUSABLE;
	return false;
}

static bool once(const char **place, const char *value, const char *name, int *code)
{
	if (*place) {
		message("%s is given twice; give it once" SEE_HELP, name);
		return wrong(code);
	}
	if (value[0] == '\0') {
		message("%s is empty" SEE_HELP, name);
		return wrong(code);
	}
	*place = value;
	return true;
}

/* Digits alone, from 1 to max; 0: anything else. */
static uint32_t read_number(const char *word, uint32_t max)
{
	uint64_t value = 0;

	for (const char *p = word; *p; p++) {
		if (*p < '0' || *p > '9' || value > max)
			return 0;
		value = 10 * value + (uint64_t)(*p - '0');
	}
	return value > max ? 0 : (uint32_t)value;
}

static bool read_pid(uint32_t *pid, const char *word, int *code)
{
	struct shown shown;

	*pid = read_number(word, PID_NUMBER_MAX);
	if (*pid > 0)
		return true;
	message("--task %s: a PID is a number from 1 to %d, as pstree.img has it" SEE_HELP, show_raw(&shown, word), PID_NUMBER_MAX);
	return wrong(code);
}

static bool read_timeout(uint32_t *timeout, const char *word, int *code)
{
	struct shown shown;

	*timeout = read_number(word, TIMEOUT_MAX);
	if (*timeout > 0)
		return true;
	message("--timeout %s: S is a number of seconds from 1 to %d" SEE_HELP, show_raw(&shown, word), TIMEOUT_MAX);
	return wrong(code);
}

/* --attach has no plan. */
static bool check_attach(const struct options *options, bool has_others, int *code)
{
	if (!has_others && !options->command[0])
		return true;
	message("--attach SOCKET stands alone: the fdgraft-exec --pty=SOCKET has the plan and COMMAND; leave the rest out" SEE_HELP);
	return wrong(code);
}

static bool read_pty(struct options *options, const char *socket, int *code)
{
	if (options->pty) {
		message("--pty is given twice; give it once" SEE_HELP);
		return wrong(code);
	}
	options->pty = true;
	return !socket || once(&options->pty_socket, socket, "--pty=SOCKET", code);
}

/* What does not go together. */
static bool check_options(const struct options *options, int *code)
{
	if (options->task && options->plugins) {
		message("--task runs without CRIU, so --plugins has no use with it; leave one of them out" SEE_HELP);
		return wrong(code);
	}
	if (options->task && options->serve) {
		message("--task runs without CRIU, so --serve has no use with it; leave one of them out" SEE_HELP);
		return wrong(code);
	}
	if (options->task && options->pty) {
		message("--task runs without CRIU, so --pty has no use with it; leave --pty out and start this under script(1)" SEE_HELP);
		return wrong(code);
	}
	if (options->timeout && !options->serve) {
		message("--timeout is for --serve; add --serve, or leave it out" SEE_HELP);
		return wrong(code);
	}
	if (!options->command[0] && !options->check && !options->serve) {
		message("COMMAND is missing, such as -- criu restore -D DIRECTORY" SEE_HELP);
		return wrong(code);
	}
	if (options->command[0] && options->command[0][0] == '\0') {
		message("COMMAND is an empty word" SEE_HELP);
		return wrong(code);
	}
	return true;
}

enum { PLAN = 1000, CHECK, PLUGINS, TASK, SERVE, TIMEOUT, STDIO, PTY, ATTACH, HELP, SHOW_VERSION };

static const struct option known[] = {
	{"plan", required_argument, NULL, PLAN},
	{"check", no_argument, NULL, CHECK},
	{"plugins", required_argument, NULL, PLUGINS},
	{"task", required_argument, NULL, TASK},
	{"serve", no_argument, NULL, SERVE},
	{"timeout", required_argument, NULL, TIMEOUT},
	{"stdio", required_argument, NULL, STDIO},
	{"pty", optional_argument, NULL, PTY},
	{"attach", required_argument, NULL, ATTACH},
	{"help", no_argument, NULL, HELP},
	{"version", no_argument, NULL, SHOW_VERSION},
	{NULL, 0, NULL, 0},
};

/* Values that are read when all words are. */
struct words {
	const char *task;
	const char *timeout;
};

static bool take_option(struct options *options, struct words *words, int option, char *const *argv, int *code)
{
	struct shown shown;

	switch (option) {
	case PLAN:
		return once(&options->plan, optarg, "--plan", code);
	case PLUGINS:
		return once(&options->plugins, optarg, "--plugins", code);
	case TASK:
		return once(&words->task, optarg, "--task", code);
	case TIMEOUT:
		return once(&words->timeout, optarg, "--timeout", code);
	case ATTACH:
		return once(&options->attach, optarg, "--attach", code);
	case PTY:
		return read_pty(options, optarg, code);
	case STDIO:
		/* At once: what is wrong with words behind it is said on the right descriptor. */
		*code = take_stdio(optarg);
		return *code == 0;
	case SERVE:
		options->serve = true;
		return true;
	case CHECK:
		options->check = true;
		return true;
	case 'h':
	case HELP:
		return print(help, code);
	case SHOW_VERSION:
		return print("fdgraft-exec " FDGRAFT_VERSION "\n", code);
	case ':':
		message("%s needs a value" SEE_HELP, show_raw(&shown, argv[optind - 1]));
		return wrong(code);
	default:
		message("%s is no option of fdgraft-exec; allowed are --plan, --check, --plugins, --serve, --timeout, --task, --pty, --attach, --stdio, --help, --version" SEE_HELP,
			show_raw(&shown, argv[optind - 1]));
		return wrong(code);
	}
}

bool read_options(struct options *options, int argc, char **argv, int *code)
{
	struct words words = {0};
	int option;

	*options = (struct options){0};
	opterr = 0;
	/* "+": the first word that is no option begins COMMAND. */
	while ((option = getopt_long(argc, argv, "+:h", known, NULL)) != -1)
		if (!take_option(options, &words, option, argv, code))
			return false;
	options->command = argv + optind;
	if (options->attach)
		return check_attach(options,
				    options->plan || options->plugins || options->pty || options->serve || options->check ||
					    words.task || words.timeout,
				    code);
	if (!options->plan) {
		message("--plan is missing: the image directory or archive that fdgraft rewrite wrote" SEE_HELP);
		return wrong(code);
	}
	if (words.task && !read_pid(&options->task, words.task, code))
		return false;
	if (words.timeout && !read_timeout(&options->timeout, words.timeout, code))
		return false;
	return check_options(options, code);
}
