#include "session-check.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "message.h"

/* The device of a controlling terminal as /proc/PID/stat shows it (proc_pid_stat(5)). */
static int shown_device(dev_t device)
{
	return (int)(((unsigned int)minor(device) & 0xff) | (unsigned int)major(device) << 8 |
		     ((unsigned int)minor(device) & ~0xffu) << 12);
}

/* The controlling terminal of a process, 0 where it has none or is gone. */
static int terminal_of(const char *pid)
{
	char path[64], line[1024];
	const char *end;
	int device = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.32s/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	/* The name may have spaces and parentheses of its own. */
	end = fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %d", &device) != 1)
		device = 0;
	fclose(file);
	return device;
}

/* Some process with that controlling terminal, 0 where there is none. */
static long holder_of(DIR *proc, int device)
{
	const struct dirent *entry;

	rewinddir(proc);
	while ((entry = readdir(proc)) != NULL)
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && terminal_of(entry->d_name) == device)
			return strtol(entry->d_name, NULL, 10);
	return 0;
}

int sessions_check(const struct plan *plan, const struct callers *callers)
{
	DIR *proc = NULL;
	struct shown spec;

	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];
		const struct caller *caller;
		long pid;

		if (graft->refused || !graft->own_key.controlling || graft->own_key.repeated)
			continue;
		if (!proc)
			proc = opendir("/proc");
		if (!proc) {
			message("cannot look for sessions of terminals: /proc: %s", strerror(errno));
			return -1;
		}
		caller = caller_find(callers, graft->caller_fd);
		pid = holder_of(proc, shown_device(caller->status.st_rdev));
		if (pid != 0)
			problem("caller fd %u is the terminal of a living session (process %ld), file id %u takes it as controlling terminal (spec %s), and that session would lose it; give a terminal that no session has",
				caller->number, pid, graft->file_id, show_spec(&spec, plan, graft->spec));
	}
	if (proc)
		closedir(proc);
	return 0;
}
