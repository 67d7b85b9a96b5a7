/*
 * A socket that listens at /t/socket, in a tmpfs of the program's own mount namespace.
 *
 * 5: the socket. SIGUSR1 connects to its name and appends the errno to connect.PID.
 */
#include "../../../fixtures/programs/task.h"
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>

static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/t/socket" };

static void act(int signal)
{
	int client = must(socket(AF_UNIX, SOCK_STREAM, 0));
	char line[16], name[32];

	(void)signal;
	errno = 0;
	connect(client, (const struct sockaddr *)&address, sizeof(address));
	snprintf(line, sizeof(line), "%d\n", errno);
	close(client);
	snprintf(name, sizeof(name), "connect.%d", getpid());
	append(name, line, strlen(line));
}

int main(void)
{
	begin();
	must(mkdir("/t", 0755));
	must(mount("t", "/t", "tmpfs", 0, NULL));
	place(socket(AF_UNIX, SOCK_STREAM, 0), 5, 0);
	must(bind(5, (const struct sockaddr *)&address, sizeof(address)));
	must(listen(5, 5));
	ready();
	serve_with(act);
}
