#include "leaders.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "criu.h"
#include "message.h"
#include "redirect.h"

struct leader {
	pid_t session; /* as the restored task numbers it */
	uint32_t caller_fd;
	char *key;
};

static struct leader *leaders;
static size_t leader_count;

/*
 * Without the right to steal it: a session that is still alive keeps its terminal, also one that cannot be seen in /proc from
 * here. CRIU's own call of TIOCSCTTY comes later, and would steal it.
 */
static int take_terminal(const struct leader *leader)
{
	int fd = inherit_fd_lookup_id(leader->key);
	bool reads;
	int result, error;

	if (fd < 0) {
		message("caller fd %u: cannot look up the terminal of session %d", leader->caller_fd, (int)leader->session);
		errno = ENOENT;
		return -1;
	}
	reads = (fcntl(fd, F_GETFL) & O_ACCMODE) != O_WRONLY;
	result = ioctl(fd, TIOCSCTTY, 0);
	error = errno;
	close(fd);
	if (result == 0)
		return 0;
	/* The kernel refuses one that cannot be read, too, except to CAP_SYS_ADMIN. */
	if (error == EPERM && reads)
		message("caller fd %u is the terminal of another session that is alive, and that session would lose it to session %d of the checkpoint; give a terminal that no session has",
			leader->caller_fd, (int)leader->session);
	else
		message("caller fd %u: cannot make it the controlling terminal of session %d: %s", leader->caller_fd,
			(int)leader->session, cause_of(error));
	errno = error;
	return -1;
}

/* In CRIU's place, in the task that becomes a leader. An error makes the restore fail there. */
static pid_t setsid_with_terminal(void)
{
	pid_t session = setsid();

	for (size_t i = 0; session > 0 && i < leader_count; i++)
		if (leaders[i].session == session)
			return take_terminal(&leaders[i]) ? -1 : session;
	return session;
}

int leaders_start(const struct plan *plan)
{
	leaders = calloc(plan->graft_count + 1, sizeof(*leaders));
	if (!leaders) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct own_key *key = &plan->grafts[i].own_key;

		if (!key->controlling || key->repeated)
			continue;
		leaders[leader_count] = (struct leader){
			.session = (pid_t)key->session, .caller_fd = plan->grafts[i].caller_fd, .key = strdup(key->text)};
		if (!leaders[leader_count++].key) {
			message("out of memory for the keys of terminals");
			return -1;
		}
	}
	if (leader_count > 0 && !redirect_start("setsid", (void (*)(void))setsid_with_terminal))
		warning("this CRIU does not call setsid of a library: leaders of sessions get their terminals, and their children lose /dev/tty and job control");
	return 0;
}

void leaders_end(void)
{
	for (size_t i = 0; i < leader_count; i++)
		free(leaders[i].key);
	free(leaders);
	leaders = NULL;
	leader_count = 0;
}
