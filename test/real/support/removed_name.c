/*
 * Sockets whose path was removed.
 *
 * accepted: 5 listens at ./app. 6 is connected to it, and 7 is the end that it accepted. Then ./app was removed. SIGUSR1
 * sends a line from 6 to 7, which is appended to the file "came".
 * client: 6 is connected to 7, a datagram socket at ./app, which was removed. SIGUSR1 does the same.
 * two: 5 listens at ./app, which was removed. 6 listens at ./app too, by a path that does not begin with a slash.
 */
#include "../../../fixtures/programs/task.h"
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void act(int signal)
{
	char line[8];

	(void)signal;
	must(write(6, "more\n", 5));
	append("came", line, must(read(7, line, sizeof(line))));
}

static void idle(int signal)
{
	(void)signal;
}

static void listen_at(int number)
{
	place(socket(AF_UNIX, SOCK_STREAM, 0), number, 0);
	must(bind(number, (struct sockaddr *)&address, sizeof(address)));
	must(listen(number, 5));
}

int main(int argc, char **argv)
{
	char directory[64];

	begin();
	if (argc < 2 || getcwd(directory, sizeof(directory)) == NULL)
		return 1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/app", directory);
	if (strcmp(argv[1], "client") == 0) {
		place(socket(AF_UNIX, SOCK_DGRAM, 0), 7, 0);
		must(bind(7, (struct sockaddr *)&address, sizeof(address)));
		place(socket(AF_UNIX, SOCK_DGRAM, 0), 6, 0);
		must(connect(6, (struct sockaddr *)&address, sizeof(address)));
		must(unlink("app"));
		ready();
		serve_with(act);
	}
	listen_at(5);
	if (strcmp(argv[1], "accepted") == 0) {
		place(socket(AF_UNIX, SOCK_STREAM, 0), 6, 0);
		must(connect(6, (struct sockaddr *)&address, sizeof(address)));
		place(accept(5, NULL, NULL), 7, 0);
		must(unlink("app"));
		ready();
		serve_with(act);
	}
	must(unlink("app"));
	strcpy(address.sun_path, "app");
	listen_at(6);
	ready();
	serve_with(idle);
}
