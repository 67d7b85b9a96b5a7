#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command-fds.h"
#include "escape.h"
#include "exit-codes.h"
#include "frames.h"
#include "give.h"
#include "launch.h"
#include "limit.h"
#include "message.h"
#include "signals.h"

#define WAITING_CONNECTIONS 64
/* What a COMMAND gets to end after SIGTERM. */
#define END_MS 10000
#define NO_CHILD ((pid_t)-1)

struct serving {
	const struct options *options;
	const struct plan *plan;
	struct callers callers;
	struct start_dir dir;
	struct rlimit limit; /* what COMMAND gets back */
	struct taken_signals signals;
	int listener; /* -1: fetched */
	pid_t child; /* NO_CHILD: none, or gone */
	int status; /* what to exit with when the child is gone */
	bool debugs_failed;
};

static int listen_for_plugin(struct serving *serving)
{
	serving->listener = start_dir_bind(&serving->dir);
	if (serving->listener < 0)
		return -1;
	if (listen(serving->listener, WAITING_CONNECTIONS) == 0)
		return 0;
	message("cannot listen for CRIU: %s", cause_of(errno));
	return -1;
}

static _Noreturn void be_command(const struct serving *serving)
{
	if (limit_set_back(&serving->limit) || signals_give_back(&serving->signals))
		_exit(EXIT_SYSTEM);
	command_fds_close(serving->options->command, serving->plan, &serving->callers);
	_exit(run_command(serving->options->command));
}

static int start_command(struct serving *serving)
{
	if (!serving->options->command[0])
		return 0;
	serving->child = fork();
	if (serving->child == 0)
		be_command(serving);
	if (serving->child > 0)
		return 0;
	serving->child = NO_CHILD;
	message("cannot fork: %s", cause_of(errno));
	return -1;
}

/* As process 1, orphans of COMMAND come here too. */
static void reap(struct serving *serving)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != serving->child)
			continue;
		serving->child = NO_CHILD;
		serving->status = exit_code_of(status);
	}
}

/* Returns a signal that ends this process, or 0. */
static int read_signals(struct serving *serving)
{
	struct signalfd_siginfo info;

	while (read(serving->signals.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(serving);
		else if (serving->child == NO_CHILD)
			return (int)info.ssi_signo;
		/* A terminal sends its own to COMMAND as well. */
		else if (info.ssi_code != SI_KERNEL)
			(void)kill(serving->child, (int)info.ssi_signo);
	}
	return 0;
}

static void answer(struct serving *serving)
{
	const struct gift gift = {
		.plan = serving->plan, .callers = &serving->callers, .has_debugs = true, .dir = &serving->dir};
	enum given given = give(&gift, serving->listener);

	if (given == GIVEN_NOT)
		return;
	serving->debugs_failed = given == GIVEN_WITHOUT_DEBUGS;
	close(serving->listener);
	serving->listener = -1;
}

static void end_command(struct serving *serving)
{
	int64_t deadline = deadline_after(END_MS);
	struct pollfd event = {.fd = serving->signals.fd, .events = POLLIN};

	(void)kill(serving->child, SIGTERM);
	while (serving->child != NO_CHILD && until_deadline(deadline) > 0)
		if (poll(&event, 1, until_deadline(deadline)) > 0)
			(void)read_signals(serving);
	if (serving->child == NO_CHILD)
		return;
	(void)kill(serving->child, SIGKILL);
	while (waitpid(serving->child, NULL, 0) < 0 && errno == EINTR)
		;
	serving->child = NO_CHILD;
}

static int wait_for_all(struct serving *serving)
{
	enum { SIGNALS, CONNECTION, EVENTS };
	const struct options *options = serving->options;
	int64_t deadline = deadline_after((int64_t)options->timeout * 1000);
	bool has_command = serving->child != NO_CHILD;

	for (;;) {
		struct pollfd events[EVENTS] = {
			[SIGNALS] = {.fd = serving->signals.fd, .events = POLLIN},
			[CONNECTION] = {.fd = serving->listener, .events = POLLIN},
		};
		bool timed = options->timeout > 0 && serving->listener >= 0;
		int ready = poll(events, EVENTS, timed ? until_deadline(deadline) : -1);
		int number = 0;

		if (ready < 0 && errno != EINTR) {
			message("cannot wait for CRIU: %s", cause_of(errno));
			return EXIT_SYSTEM;
		}
		if (ready > 0 && events[CONNECTION].revents)
			answer(serving);
		if (ready > 0 && events[SIGNALS].revents)
			number = read_signals(serving);
		if (has_command ? serving->child == NO_CHILD : serving->listener < 0)
			return serving->status;
		if (number) {
			start_dir_remove(&serving->dir);
			return signals_end_by(number);
		}
		if (timed && serving->listener >= 0 && until_deadline(deadline) == 0) {
			message("--timeout %u: no CRIU has fetched the caller fds; look into its log whether it loads fdgraft.so and restores the image directory of %s",
				options->timeout, serving->plan->shown_path);
			if (has_command)
				end_command(serving);
			return EXIT_SYSTEM;
		}
	}
}

static int serve_and_judge(struct serving *serving)
{
	bool has_command = serving->options->command[0] != NULL;
	struct shown shown;
	int code;

	if (signals_take(&serving->signals, (const int[]){0}) || listen_for_plugin(serving) || start_command(serving))
		return EXIT_SYSTEM;
	code = wait_for_all(serving);
	/* A command that fails says why, and CRIU without the plugin says nothing of it. */
	if (code < EXIT_NOT_EXECUTABLE && serving->listener >= 0 && has_command) {
		message("%s has ended with %d, and no CRIU has fetched the caller fds; look into the log of CRIU whether it loads fdgraft.so",
			show_raw(&shown, serving->options->command[0]), code);
		return code == 0 ? EXIT_SYSTEM : code;
	}
	return code == 0 && serving->debugs_failed ? EXIT_SYSTEM : code;
}

int serve(const struct options *options, const struct plan *plan, const struct callers *callers)
{
	struct serving serving = {
		.options = options,
		.plan = plan,
		.callers = *callers,
		.dir = NO_START_DIR,
		.listener = -1,
		.signals = NO_SIGNALS,
		.child = NO_CHILD,
	};
	char digest[SHA256_HEX + 1];
	int code = limit_raise(&serving.limit) ? EXIT_SYSTEM : 0;

	sha256_hex(plan->digest, digest);
	if (code == 0)
		code = start_dir_make(&serving.dir, digest);
	if (code == 0 && options->command[0])
		code = launch_environment(plan, options, &serving.dir);
	if (code == 0)
		code = serve_and_judge(&serving);
	if (serving.listener >= 0)
		close(serving.listener);
	if (serving.signals.fd >= 0)
		close(serving.signals.fd);
	start_dir_remove(&serving.dir);
	return code;
}
