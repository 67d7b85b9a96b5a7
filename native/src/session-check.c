#include "session-check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "message.h"

enum session { SESSION_NONE, SESSION_OWN, SESSION_OTHER };

/* The answers of a child that tries. */
enum { TRIED_FREE, TRIED_HELD, TRIED_NOTHING };

/*
 * In a child: takes the terminal as controlling one, without the right to steal it, and gives it up at once. The kernel alone
 * knows: a session can be that of another container, which /proc does not show, or shows with the number of another terminal.
 */
static int try_to_take(int fd)
{
	/* The kernel sends it to the group of who gives up a terminal. */
	if (signal(SIGHUP, SIG_IGN) == SIG_ERR || setsid() < 0)
		return TRIED_NOTHING;
	if (ioctl(fd, TIOCSCTTY, 0))
		return errno == EPERM ? TRIED_HELD : TRIED_NOTHING;
	return ioctl(fd, TIOCNOTTY) ? TRIED_NOTHING : TRIED_FREE;
}

/* -1 with errno. */
static int ask_child(int fd, int *status)
{
	struct sigaction plain = {.sa_handler = SIG_DFL}, before;
	pid_t child, ended;
	int error;

	/* If the caller ignores SIGCHLD, nobody learns how the child ended. */
	if (sigaction(SIGCHLD, &plain, &before))
		return -1;
	child = fork();
	if (child == 0)
		_exit(try_to_take(fd));
	do
		ended = child < 0 ? -1 : waitpid(child, status, 0);
	while (ended < 0 && child > 0 && errno == EINTR);
	error = errno;
	(void)sigaction(SIGCHLD, &before, NULL);
	errno = error;
	return ended < 0 ? -1 : 0;
}

/* -1 has said why. */
static int session_of(const struct caller *caller)
{
	int status;

	if (tcgetsid(caller->fd) == getsid(0))
		return SESSION_OWN;
	/* One that cannot be read is refused too, except to CAP_SYS_ADMIN. */
	if ((caller->flags & O_ACCMODE) == O_WRONLY)
		return SESSION_NONE;
	if (ask_child(caller->fd, &status)) {
		message("caller fd %u: cannot look for the session of the terminal: %s", caller->number, cause_of(errno));
		return -1;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == TRIED_HELD ? SESSION_OTHER : SESSION_NONE;
}

/* The device of a controlling terminal as /proc/PID/stat shows it (proc_pid_stat(5)). */
static int shown_device(dev_t device)
{
	return (int)(((unsigned int)minor(device) & 0xff) | (unsigned int)major(device) << 8 |
		     ((unsigned int)minor(device) & ~0xffu) << 12);
}

/* Whether a process leads a session that has the terminal with that number. */
static bool leads_session_on(const char *pid, int device)
{
	int session = 0, shown = 0;
	char path[64], line[1024];
	const char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.32s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	/* The name may have spaces and parentheses of its own. */
	end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	fclose(file);
	return end && sscanf(end + 1, " %*c %*d %*d %d %d", &session, &shown) == 2 && shown == device && session == atoi(pid);
}

/* Terminals of other containers have the same numbers: whether the process has this one open as stdin, stdout or stderr. */
static bool has_open(const char *pid, const struct stat *terminal)
{
	for (int fd = 0; fd <= 2; fd++) {
		struct stat status;
		char path[64];

		snprintf(path, sizeof(path), "/proc/%.32s/fd/%d", pid, fd);
		if (stat(path, &status) == 0 && status.st_dev == terminal->st_dev && status.st_ino == terminal->st_ino)
			return true;
	}
	return false;
}

/* " (process N)" of the leader of the session, or nothing if it cannot be found. */
static const char *leader_text(char text[static 32], const struct caller *caller)
{
	int device = shown_device(caller->status.st_rdev);
	const struct dirent *entry;
	DIR *proc = opendir("/proc");

	text[0] = '\0';
	while (proc && (entry = readdir(proc)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && leads_session_on(entry->d_name, device) &&
		    has_open(entry->d_name, &caller->status)) {
			snprintf(text, 32, " (process %.16s)", entry->d_name);
			break;
		}
	if (proc)
		closedir(proc);
	return text;
}

static int check_controlling(const struct plan *plan, const struct graft *graft, const struct caller *caller)
{
	struct shown spec;
	char leader[32];

	switch (session_of(caller)) {
	case SESSION_NONE:
		return 0;
	case SESSION_OWN:
		problem("caller fd %u is the terminal of your own session, and session %u of the checkpoint takes it as controlling terminal (file id %u, spec %s): your shell would lose it; use fdgraft-exec --pty, which connects a new one to it",
			caller->number, graft->own_key.session, graft->file_id, show_spec(&spec, plan, graft->spec));
		return 0;
	case SESSION_OTHER:
		problem("caller fd %u is the terminal of a living session%s, and session %u of the checkpoint takes it as controlling terminal (file id %u, spec %s); give a terminal that no session has, or use fdgraft-exec --pty",
			caller->number, leader_text(leader, caller), graft->own_key.session, graft->file_id,
			show_spec(&spec, plan, graft->spec));
		return 0;
	default:
		return -1;
	}
}

static void warn_of_job(const struct plan *plan, const struct graft *graft, const struct caller *caller)
{
	struct shown spec;

	if (graft->own_key.session == 0 || tcgetsid(caller->fd) == getsid(0))
		return;
	warning("caller fd %u is not the controlling terminal of your session, which the restored tasks join (file id %u, spec %s): they have no job control on it; give the terminal that you start the restore from",
		caller->number, graft->file_id, show_spec(&spec, plan, graft->spec));
}

/* A leader of a restored session, and the terminal that it takes. */
struct taking {
	const struct graft *graft;
	const struct caller *caller;
};

static int by_terminal(const void *left, const void *right)
{
	const struct taking *a = left;
	const struct taking *b = right;
	int order = caller_compare_files(a->caller, b->caller);

	return order ? order : (a->graft > b->graft) - (a->graft < b->graft);
}

/* The kernel gives it to the first leader alone. */
static void refuse_second(const struct plan *plan, const struct taking *first, const struct taking *second)
{
	struct shown spec, other;

	problem("caller fd %u (spec %s) and caller fd %u (spec %s) are one terminal, and sessions %u and %u of the checkpoint take it as controlling terminal; give each session a terminal of its own",
		first->caller->number, show_spec(&spec, plan, first->graft->spec), second->caller->number,
		show_spec(&other, plan, second->graft->spec), first->graft->own_key.session, second->graft->own_key.session);
}

static int check_leaders(const struct plan *plan, struct taking *list, size_t count)
{
	qsort(list, count, sizeof(*list), by_terminal);
	for (size_t i = 0; i < count; i++)
		if (i > 0 && caller_compare_files(list[i - 1].caller, list[i].caller) == 0)
			refuse_second(plan, &list[i - 1], &list[i]);
		else if (check_controlling(plan, list[i].graft, list[i].caller))
			return -1;
	return 0;
}

int sessions_check(const struct plan *plan, const struct callers *callers, bool session_is_ours)
{
	struct taking *leaders = calloc(plan->graft_count + 1, sizeof(*leaders));
	size_t count = 0;
	int result;

	if (!leaders) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		const struct caller *caller = caller_find(callers, graft->caller_fd);

		if (graft->refused || !is_whole_terminal(graft) || graft->own_key.repeated)
			continue;
		if (graft->own_key.controlling)
			leaders[count++] = (struct taking){.graft = graft, .caller = caller};
		else if (session_is_ours)
			warn_of_job(plan, graft, caller);
	}
	result = check_leaders(plan, leaders, count);
	free(leaders);
	return result;
}
