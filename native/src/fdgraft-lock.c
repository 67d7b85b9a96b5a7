/*
 * fdgraft-lock: locks a directory (flock(2)), which Node.js cannot. The lock is one of the open file description at
 * descriptor 3, so it stays when this program ends: until every process has closed that.
 *
 *   fdgraft-lock try    ends at once with EWOULDBLOCK if another one has the lock
 *   fdgraft-lock wait   waits for the lock, some seconds at most, and ends with EWOULDBLOCK then
 *
 * Exit: 0 locked, else errno of what failed (always below 128).
 */
#include <errno.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

enum { DIRECTORY = 3 };

#define TRIES 1000
#define PAUSE_NS 10000000L

int main(int argc, char **argv)
{
	struct timespec pause = {.tv_nsec = PAUSE_NS};
	int tries;

	if (argc != 2 || (strcmp(argv[1], "try") != 0 && strcmp(argv[1], "wait") != 0))
		return EINVAL;
	tries = strcmp(argv[1], "wait") == 0 ? TRIES : 1;
	while (flock(DIRECTORY, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return errno < 128 ? errno : EIO;
		if (--tries <= 0)
			return EWOULDBLOCK;
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}
