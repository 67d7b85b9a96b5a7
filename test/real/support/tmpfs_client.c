/*
 * A datagram socket at /t/log, in a tmpfs of the program's own mount namespace, and a client of it.
 *
 * 5: the socket. 6: connected to it.
 */
#include "../../../fixtures/programs/task.h"
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

static void act(int signal)
{
	(void)signal;
}

int main(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/t/log" };

	begin();
	must(mkdir("/t", 0755));
	must(mount("t", "/t", "tmpfs", 0, NULL));
	place(socket(AF_UNIX, SOCK_DGRAM, 0), 5, 0);
	must(bind(5, (struct sockaddr *)&address, sizeof(address)));
	place(socket(AF_UNIX, SOCK_DGRAM, 0), 6, 0);
	must(connect(6, (struct sockaddr *)&address, sizeof(address)));
	ready();
	serve_with(act);
}
