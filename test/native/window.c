/*
 * A window with a terminal in it, for a command that wants to be started from one.
 *
 *   window ROWS COLUMNS -- COMMAND…
 *
 * COMMAND leads a session with a new terminal, which is its 0, 1 and 2. To 1 goes all that comes out of it. Lines on 0, each
 * answered by a line on 3:
 *
 *   type HEX      keys; answered when the terminal has taken all
 *   size R C      another size of the window
 *   settings      answered with the terminal's settings as hexadecimal numbers: input, output, line and control flags
 *   hold, show    stop reading what comes out, and go on
 *   close         the window: the master is closed
 *
 * When COMMAND has ended, "exit CODE after COUNT" or "signal NUMBER after COUNT" comes on 3: of the bytes on 1. The terminal stays until 0 ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES (4 << 20)

static char line[LINE_MAX_BYTES], keys[LINE_MAX_BYTES / 2];
static size_t used, typed, keys_count, shown;
static int master = -1, slave = -1, held;

static void check(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void answer(const char *text)
{
	check(dprintf(3, "%s\n", text) > 0, "answer");
}

static void resize(const char *words)
{
	struct winsize size = {0};

	check(sscanf(words, "%hu %hu", &size.ws_row, &size.ws_col) == 2, "size");
	check(ioctl(master, TIOCSWINSZ, &size) == 0, "TIOCSWINSZ");
}

static void say_settings(void)
{
	struct termios now;
	char text[128];

	check(tcgetattr(slave, &now) == 0, "tcgetattr");
	snprintf(text, sizeof(text), "%x %x %x %x", now.c_iflag, now.c_oflag, now.c_lflag, now.c_cflag);
	answer(text);
}

static int hex(char digit)
{
	return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static void act(char *words)
{
	if (strncmp(words, "type ", 5) == 0) {
		keys_count = typed = 0;
		for (const char *at = words + 5; at[0] && at[1]; at += 2)
			keys[keys_count++] = (char)(hex(at[0]) << 4 | hex(at[1]));
		return;
	}
	if (strncmp(words, "settings", 8) == 0) {
		say_settings();
		return;
	}
	if (strncmp(words, "size ", 5) == 0) {
		resize(words + 5);
	} else if (strcmp(words, "hold") == 0 || strcmp(words, "show") == 0) {
		held = words[0] == 'h';
	} else {
		close(slave);
		close(master);
		master = slave = -1;
	}
	answer("done");
}

static void type_some(void)
{
	ssize_t count = write(master, keys + typed, keys_count - typed);

	check(count >= 0 || errno == EAGAIN, "write");
	typed += count > 0 ? (size_t)count : 0;
	if (typed < keys_count)
		return;
	keys_count = typed = 0;
	answer("done");
}

static void show_some(void)
{
	char bytes[65536];
	ssize_t count = read(master, bytes, sizeof(bytes));

	check(count > 0 || errno == EAGAIN, "read");
	if (count > 0)
		check(write(1, bytes, (size_t)count) == count, "write");
	shown += count > 0 ? (size_t)count : 0;
}

static void read_lines(void)
{
	ssize_t count = read(0, line + used, sizeof(line) - 1 - used);
	char *end;

	if (count <= 0)
		exit(0);
	used += (size_t)count;
	line[used] = '\0';
	/* A line is told to it when the one before is answered. */
	if (line[used - 1] == '\n' && (end = strchr(line, '\n')) != NULL) {
		*end = '\0';
		act(line);
		used -= (size_t)(end + 1 - line);
		memmove(line, end + 1, used + 1);
	}
}

static void reap(pid_t child)
{
	char text[64];
	int status;

	while (waitpid(child, &status, WNOHANG) == child) {
		snprintf(text, sizeof(text), "%s %d after %zu", WIFEXITED(status) ? "exit" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), shown);
		answer(text);
	}
}

static pid_t start(char **command, const sigset_t *mask)
{
	pid_t child = fork();

	check(child >= 0, "fork");
	if (child > 0)
		return child;
	check(sigprocmask(SIG_SETMASK, mask, NULL) == 0, "sigprocmask");
	check(setsid() >= 0 && ioctl(slave, TIOCSCTTY, 0) == 0, "TIOCSCTTY");
	for (int fd = 0; fd < 3; fd++)
		check(dup2(slave, fd) == fd, "dup2");
	close(3);
	execvp(command[0], command);
	perror(command[0]);
	exit(127);
}

int main(int argc, char **argv)
{
	struct signalfd_siginfo info;
	sigset_t ended, mask;
	int no = 0, signals;
	char size[64];
	pid_t child;

	check(argc > 4, "usage");
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	check(master >= 0 && ioctl(master, TIOCSPTLCK, &no) == 0, "/dev/ptmx");
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	check(slave >= 0, "slave");
	snprintf(size, sizeof(size), "%.16s %.16s", argv[1], argv[2]);
	resize(size);
	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	check(sigprocmask(SIG_BLOCK, &ended, &mask) == 0, "sigprocmask");
	signals = signalfd(-1, &ended, SFD_CLOEXEC | SFD_NONBLOCK);
	child = start(argv + 4, &mask);
	for (;;) {
		struct pollfd events[] = {
			{.fd = 0, .events = POLLIN},
			{.fd = signals, .events = POLLIN},
			{.fd = master, .events = (short)((held ? 0 : POLLIN) | (typed < keys_count ? POLLOUT : 0))},
		};

		check(poll(events, 3, -1) > 0, "poll");
		/* First what it has written, then that it has ended. */
		if (master >= 0 && events[2].revents & POLLIN) {
			show_some();
			continue;
		}
		if (master >= 0 && events[2].revents & POLLOUT)
			type_some();
		if (events[1].revents && read(signals, &info, sizeof(info)) > 0)
			reap(child);
		if (events[0].revents)
			read_lines();
	}
}
