/*
 * The master of a pty whose other end is outside, or open nowhere.
 *
 * 5: the master; SIGUSR1 writes a line to it
 */
#include "../../../fixtures/programs/task.h"

static void act(int signal)
{
	if (signal == SIGUSR1)
		dprintf(5, "task\n");
}

int main(void)
{
	begin();
	place(must(open("/dev/ptmx", O_RDWR | O_NOCTTY)), 5, 0);
	ready();
	serve_with(act);
}
