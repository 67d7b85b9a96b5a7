#include "foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "message.h"

/* The kernel's line is `NSpgid:` and the number of the group in each namespace, the task's own the last. */
#define GROUP_FIELD "NSpgid:"

/* Of the job, and those that a terminal sends by keys. CRIU has the latter blocked. */
static const int heard[] = {SIGCHLD, SIGINT, SIGQUIT, SIGTSTP};
#define HEARD_COUNT (sizeof(heard) / sizeof(heard[0]))

/* A process has one controlling terminal, so there is one. */
static struct {
	bool held;
	bool standing; /* for the job, in handlers of signals */
	uint32_t caller_fd;
	int fd;
	uint32_t wanted; /* the group that had the foreground, as the images number it */
	pid_t own; /* the group of this process */
	pid_t given; /* the restored group that got the foreground last; 0: none */
	pid_t root; /* the first restored task */
	struct termios settings, dumped; /* before the restore, and as CRIU set them */
	struct sigaction before[HEARD_COUNT];
	sigset_t mask;
} job;

static bool is_of_job(const struct graft *graft)
{
	const struct own_key *key = &graft->own_key;

	return is_whole_terminal(graft) && !key->controlling && key->session != 0;
}

int foreground_hold(const struct plan *plan, const struct callers *callers)
{
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		const struct caller *caller;
		int fd;

		if (!is_of_job(graft))
			continue;
		caller = caller_find(callers, graft->caller_fd);
		if (tcgetsid(caller->fd) != getsid(0))
			continue;
		fd = fcntl(caller->fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0 || tcgetattr(caller->fd, &job.settings)) {
			message("caller fd %u: cannot look at the terminal: %s", caller->number, cause_of(errno));
			if (fd >= 0)
				close(fd);
			return -1;
		}
		job.held = true;
		job.caller_fd = caller->number;
		job.fd = fd;
		job.wanted = graft->own_key.foreground;
		job.own = getpgrp();
		return 0;
	}
	return 0;
}

/* Sets the foreground group or the settings. The kernel would stop a process in the background for it. */
static int set(pid_t group, const struct termios *settings)
{
	sigset_t stopping, before;
	int result, error;

	sigemptyset(&stopping);
	sigaddset(&stopping, SIGTTOU);
	if (sigprocmask(SIG_BLOCK, &stopping, &before))
		return -1;
	result = settings ? tcsetattr(job.fd, TCSANOW, settings) : tcsetpgrp(job.fd, group);
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return result;
}

static int set_foreground(pid_t group)
{
	return set(group, NULL);
}

static void set_settings(const struct termios *settings)
{
	if (set(0, settings))
		warning("caller fd %u: cannot give the terminal its settings: %s", job.caller_fd, cause_of(errno));
}

/* Only if it is ours to give: the shell may have it. */
static int pass_foreground(pid_t group)
{
	if (group == job.own || tcgetpgrp(job.fd) != job.own)
		return 0;
	if (set_foreground(group))
		return -1;
	job.given = group;
	return 0;
}

/* In handlers: nothing but system calls. */
static void stand_for(pid_t child)
{
	pid_t group = getpgid(child);

	if (group <= 0)
		return;
	/* Stopped for reading in the background while CRIU has the foreground, it gets that. Otherwise the shell hears of the stop. */
	if (tcgetpgrp(job.fd) != job.own) {
		if (tcgetpgrp(job.fd) == group)
			(void)set_foreground(job.own);
		if (kill(0, SIGSTOP))
			return;
	}
	/* Continued, by fg or bg. */
	(void)pass_foreground(group);
	(void)kill(-group, SIGCONT);
}

/* After bg and fg, the shell has given the foreground to CRIU again, and tells nobody. */
static void on_key(int number)
{
	pid_t group = getpgid(job.root);
	int error = errno;

	if (group > 0 && group != job.own && tcgetpgrp(job.fd) == job.own) {
		(void)pass_foreground(group);
		(void)kill(-group, number);
	}
	errno = error;
}

static void on_child(int number, siginfo_t *info, void *context)
{
	siginfo_t stopped;
	int error = errno;

	(void)number;
	(void)context;
	/* While CRIU still traces the task, its stops are CRIU's. */
	while (info->si_code == CLD_STOPPED || info->si_code == CLD_CONTINUED) {
		stopped.si_pid = 0;
		if (waitid(P_PID, (id_t)info->si_pid, &stopped, WSTOPPED | WNOHANG) || stopped.si_pid == 0)
			break;
		stand_for(stopped.si_pid);
	}
	errno = error;
}

/* The group of a task as the images number it: by its own pid namespace. 0: the task is gone. */
static unsigned long own_number_of_group(pid_t task)
{
	char path[64], line[512];
	unsigned long number = 0;
	FILE *status;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)task);
	status = fopen(path, "re");
	if (!status)
		return 0;
	while (fgets(line, sizeof(line), status)) {
		const char *last;

		if (strncmp(line, GROUP_FIELD, strlen(GROUP_FIELD)) != 0)
			continue;
		last = strrchr(line, '\t');
		number = last ? strtoul(last, NULL, 10) : 0;
		break;
	}
	fclose(status);
	return number;
}

/* These calls fail for wrong numbers alone. */
static void stand(pid_t root)
{
	struct sigaction child = {.sa_sigaction = on_child, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction key = {.sa_handler = on_key, .sa_flags = SA_RESTART};
	sigset_t unblocked;

	job.root = root;
	sigemptyset(&unblocked);
	sigfillset(&child.sa_mask);
	sigfillset(&key.sa_mask);
	for (size_t i = 0; i < HEARD_COUNT; i++) {
		(void)sigaction(heard[i], heard[i] == SIGCHLD ? &child : &key, &job.before[i]);
		(void)sigaddset(&unblocked, heard[i]);
	}
	(void)sigprocmask(SIG_UNBLOCK, &unblocked, &job.mask);
	job.standing = true;
	/* The settings are those of who has the foreground. */
	if (tcgetattr(job.fd, &job.dumped) == 0)
		set_settings(&job.settings);
}

static void stand_down(void)
{
	(void)sigprocmask(SIG_SETMASK, &job.mask, NULL);
	for (size_t i = 0; i < HEARD_COUNT; i++)
		(void)sigaction(heard[i], &job.before[i], NULL);
	job.standing = false;
}

void foreground_give(pid_t task)
{
	if (!job.held)
		return;
	if (!job.standing)
		stand(task);
	if (job.given != 0 || job.wanted == 0 || own_number_of_group(task) != job.wanted)
		return;
	if (pass_foreground(getpgid(task)))
		warning("caller fd %u: cannot put the group of task %d in the foreground of the terminal: %s", job.caller_fd,
			(int)task, cause_of(errno));
	else if (job.given != 0)
		set_settings(&job.dumped);
}

void foreground_end(bool unless_alive)
{
	if (job.standing)
		stand_down();
	if (!job.held)
		return;
	if (job.given != 0 && tcgetpgrp(job.fd) == job.given && !(unless_alive && kill(-job.given, 0) == 0) &&
	    set_foreground(job.own))
		message("caller fd %u: cannot take back the foreground of the terminal: %s", job.caller_fd, cause_of(errno));
	close(job.fd);
	job.held = false;
	job.given = 0;
}
