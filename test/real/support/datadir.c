/*
 * A program that works in a data directory: 10 is the directory "data" and 11 its file "app.log", open for appending.
 *
 * SIGUSR1 writes the line "record\n" to the file "records" of the directory, and "log\n" to 11. SIGUSR2 reports as
 * "input" what the file "input" of the directory has.
 */
#include "../../../fixtures/programs/task.h"

static void act(int signal)
{
	char bytes[4096];
	int fd;

	if (signal == SIGUSR1) {
		fd = must(openat(10, "records", O_WRONLY | O_CREAT | O_APPEND, 0644));
		if (write(fd, "record\n", 7) != 7 || write(11, "log\n", 4) != 4)
			_exit(1);
	} else {
		fd = must(openat(10, "input", O_RDONLY));
		report("input", bytes, must(read(fd, bytes, sizeof(bytes))));
	}
	close(fd);
}

int main(void)
{
	begin();
	must(mkdir("data", 0755));
	place(open("data", O_RDONLY | O_DIRECTORY), 10, 0);
	place(openat(10, "app.log", O_WRONLY | O_CREAT | O_APPEND, 0644), 11, 0);
	if (write(11, "before\n", 7) != 7)
		_exit(1);
	ready();
	serve_with(act);
}
