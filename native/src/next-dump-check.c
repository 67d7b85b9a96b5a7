#include "next-dump-check.h"

#include <limits.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "escape.h"
#include "message.h"

/* As src/operations/rewrite.ts writes it into the plan. */
#define OWN_MOUNTS "OWN_MOUNT_NAMESPACE"
#define MEMFD "/memfd:"

static bool has_own_mounts(const struct plan *plan)
{
	for (size_t i = 0; i < plan->head->n_warnings; i++)
		if (strcmp(plan->head->warnings[i]->code, OWN_MOUNTS) == 0)
			return true;
	return false;
}

/* CRIU dumps /dev/null and the like as files, and terminals by their numbers. */
static bool is_dumped_by_path(const struct caller *caller)
{
	return caller->kind == CALLER_FILE || caller->kind == CALLER_FIFO ||
	       (caller->kind == CALLER_DEVICE && major(caller->status.st_rdev) == MEM_MAJOR);
}

/* False for what has no path in a mount that CRIU looks for. */
static bool read_path(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, PATH_MAX - 1);
	if (length <= 0)
		return false;
	path[length] = '\0';
	return path[0] == '/' && strncmp(path, MEMFD, strlen(MEMFD)) != 0;
}

/* As one word of a shell, or FILE for what would have to be quoted. */
static const char *shell_word(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+,:@%-";

	return path[strspn(path, plain)] == '\0' ? path : "FILE";
}

/* A pipe of the shell's has one direction, so there is an example only if the entries need no more than one. */
static void propose(char *text, size_t size, const struct plan *plan, const struct caller *caller, const char *path)
{
	bool reads = false, writes = false;

	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];

		if (graft->caller_fd != caller->number)
			continue;
		reads = reads || graft->needs_read;
		writes = writes || graft->needs_write;
	}
	if (reads && writes)
		snprintf(text, size, "give a pipe that is open for reading and writing");
	else
		snprintf(text, size, "give a pipe, such as %u%s(cat %s%s) in bash", caller->number, writes ? "> >" : "< <",
			 writes ? ">>" : "", shell_word(path));
}

static void warn(const struct plan *plan, const struct caller *caller, const char *path)
{
	struct shown spec, shown;
	char proposal[PATH_MAX + 64];

	show_raw(&shown, path);
	propose(proposal, sizeof(proposal), plan, caller, path);
	warning("caller fd %u is %s, %s (spec %s): the dump has a mount namespace of its own, so the next dump of the restored tasks fails with \"Can't lookup mount\"; if they are to be dumped again, %s",
		caller->number, caller_kind_name(caller->kind), shown.text, show_spec(&spec, plan, caller->first_spec), proposal);
}

void next_dump_check(const struct plan *plan, const struct callers *callers)
{
	if (!has_own_mounts(plan))
		return;
	for (size_t i = 0; i < callers->count; i++) {
		const struct caller *caller = &callers->list[i];
		char path[PATH_MAX];

		if (is_dumped_by_path(caller) && read_path(caller->fd, path))
			warn(plan, caller, path);
	}
}
