#include "foreground.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "message.h"

/* The kernel's line is `NSpgid:` and the number of the group in each namespace, the task's own the last. */
#define GROUP_FIELD "NSpgid:"

static bool had_foreground(const struct graft *graft)
{
	const struct own_key *key = &graft->own_key;

	return key->text && graft->kind.name == KIND_TERMINAL && !key->repeated && !key->controlling && key->session != 0 &&
	       key->foreground != 0;
}

int foregrounds_hold(struct foregrounds *foregrounds, const struct plan *plan, const struct callers *callers)
{
	*foregrounds = (struct foregrounds){.list = calloc(plan->graft_count + 1, sizeof(*foregrounds->list))};
	if (!foregrounds->list) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		struct foreground *own = &foregrounds->list[foregrounds->count];
		const struct caller *caller;

		if (!had_foreground(graft))
			continue;
		caller = caller_find(callers, graft->caller_fd);
		if (tcgetsid(caller->fd) != getsid(0) || tcgetpgrp(caller->fd) != getpgrp())
			continue;
		*own = (struct foreground){.caller_fd = caller->number,
					   .fd = fcntl(caller->fd, F_DUPFD_CLOEXEC, 3),
					   .wanted = graft->own_key.foreground,
					   .before = getpgrp()};
		if (own->fd < 0) {
			message("caller fd %u: cannot dup it: %s", caller->number, strerror(errno));
			return -1;
		}
		foregrounds->count++;
	}
	return 0;
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

/* A process in the background would be stopped for it. */
static int set_foreground(int fd, pid_t group)
{
	sigset_t stopping, before;
	int result, error;

	sigemptyset(&stopping);
	sigaddset(&stopping, SIGTTOU);
	if (sigprocmask(SIG_BLOCK, &stopping, &before))
		return -1;
	result = tcsetpgrp(fd, group);
	error = errno;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return result;
}

void foregrounds_give(struct foregrounds *foregrounds, pid_t task)
{
	unsigned long number = 0;

	for (size_t i = 0; i < foregrounds->count; i++) {
		struct foreground *own = &foregrounds->list[i];
		pid_t group;

		if (own->given != 0)
			continue;
		if (number == 0)
			number = own_number_of_group(task);
		group = getpgid(task);
		if (number != own->wanted || group <= 0)
			continue;
		own->given = group;
		if (group != own->before && set_foreground(own->fd, group))
			warning("caller fd %u: cannot put process group %d in the foreground of the terminal: %s; it stays in the background",
				own->caller_fd, (int)group, strerror(errno));
	}
}

void foregrounds_take_back(struct foregrounds *foregrounds, bool alive)
{
	for (size_t i = 0; i < foregrounds->count; i++) {
		const struct foreground *own = &foregrounds->list[i];

		if (own->given == 0 || own->given == own->before || tcgetpgrp(own->fd) != own->given)
			continue;
		if (alive && kill(-own->given, 0) == 0)
			continue;
		if (set_foreground(own->fd, own->before))
			message("caller fd %u: cannot take back the foreground of the terminal: %s", own->caller_fd,
				strerror(errno));
	}
}

void foregrounds_free(struct foregrounds *foregrounds)
{
	for (size_t i = 0; i < foregrounds->count; i++)
		close(foregrounds->list[i].fd);
	free(foregrounds->list);
	*foregrounds = (struct foregrounds){0};
}
