/*
 * The leader of a session, with the master of its controlling terminal alone: nobody has the other end open.
 *
 * 5: the master; SIGUSR1 writes to it whether /dev/tty can be opened
 */
#include "../../../fixtures/programs/task.h"
#include <sys/ioctl.h>

static void act(int signal)
{
	int fd;

	if (signal != SIGUSR1)
		return;
	fd = open("/dev/tty", O_RDWR);
	dprintf(5, fd < 0 ? "none\n" : "tty\n");
	if (fd >= 0)
		close(fd);
}

int main(void)
{
	int other;

	begin();
	place(must(open("/dev/ptmx", O_RDWR | O_NOCTTY)), 5, 0);
	must(grantpt(5));
	must(unlockpt(5));
	other = must(open(ptsname(5), O_RDWR | O_NOCTTY));
	must(ioctl(other, TIOCSCTTY, 1));
	close(other);
	ready();
	serve_with(act);
}
