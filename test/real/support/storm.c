/*
 * A tree that never rests: wherever a dump meets it, tasks are born, dead, in exec and between two pipes.
 *
 * 1: the caller's, of all tasks; 5: log (append), of all; in each of RING tasks 6 and 7: the read end of one pipe of a ring
 * and the write end of the next. A token goes round the ring, and each task adds one to its counter in shared memory. Other
 * tasks: one forks children that end at once, one executes itself again and again, a pair plays with a socketpair (8), and
 * two move bytes between two pipes with splice (8, 9).
 *
 * SIGUSR1 writes "storm 1\n" to 1 and "storm 5\n" to 5; SIGUSR2 reports the counters as read.PID.counters.
 */
#include "../../../fixtures/programs/task.h"

#include <sys/prctl.h>
#include <sys/socket.h>

#define RING 6

enum { FORKS = RING, EXECS, SOCKETS, SPLICES, COUNTERS };

static volatile unsigned *counters;
static int counters_fd;

static void child_begins(void)
{
	must(prctl(PR_SET_PDEATHSIG, SIGKILL));
}

static void pass_on(int from, int to, int counter)
{
	char token;

	for (;;) {
		if (read(from, &token, 1) != 1 || write(to, &token, 1) != 1)
			_exit(1);
		counters[counter]++;
	}
}

static void start_ring(void)
{
	int ends[RING][2];

	for (int i = 0; i < RING; i++)
		must(pipe(ends[i]));
	for (int i = 0; i < RING; i++) {
		if (must(fork()) == 0) {
			int from = fcntl(ends[i][0], F_DUPFD, 100), to = fcntl(ends[(i + 1) % RING][1], F_DUPFD, 100);

			child_begins();
			for (int j = 0; j < RING; j++) {
				close(ends[j][0]);
				close(ends[j][1]);
			}
			place(from, 6, 0);
			place(to, 7, 0);
			pass_on(6, 7, i);
		}
	}
	if (write(ends[0][1], "t", 1) != 1)
		_exit(1);
	for (int i = 0; i < RING; i++) {
		close(ends[i][0]);
		close(ends[i][1]);
	}
}

static void start_forks(void)
{
	if (must(fork()) != 0)
		return;
	child_begins();
	for (;;) {
		pid_t pid = must(fork());

		if (pid == 0)
			_exit(0);
		must(waitpid(pid, NULL, 0));
		counters[FORKS]++;
	}
}

static void start_execs(const char *self)
{
	char number[16];

	if (must(fork()) != 0)
		return;
	child_begins();
	snprintf(number, sizeof(number), "%d", counters_fd);
	execl(self, "storm", number, NULL);
	_exit(1);
}

static void exec_again(char **argv)
{
	counters_fd = atoi(argv[1]);
	counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counters_fd, 0);
	if (counters == MAP_FAILED)
		_exit(1);
	counters[EXECS]++;
	execv("/proc/self/exe", argv);
	_exit(1);
}

static void start_sockets(void)
{
	int ends[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	for (int i = 0; i < 2; i++) {
		if (must(fork()) == 0) {
			char byte = 's';

			child_begins();
			close(ends[!i]);
			place(ends[i], 8, 0);
			if (i == 0 && write(8, &byte, 1) != 1)
				_exit(1);
			pass_on(8, 8, SOCKETS);
		}
	}
	close(ends[0]);
	close(ends[1]);
}

static void start_splices(void)
{
	int one[2], two[2];

	must(pipe(one));
	must(pipe(two));
	for (int i = 0; i < 2; i++) {
		if (must(fork()) == 0) {
			int from = fcntl(i ? two[0] : one[0], F_DUPFD, 100), to = fcntl(i ? one[1] : two[1], F_DUPFD, 100);

			child_begins();
			for (int j = 0; j < 2; j++) {
				close(one[j]);
				close(two[j]);
			}
			place(from, 8, 0);
			place(to, 9, 0);
			if (i == 0 && write(9, "splice", 6) != 6)
				_exit(1);
			for (;;) {
				if (splice(8, NULL, 9, NULL, 4096, 0) <= 0)
					_exit(1);
				counters[SPLICES]++;
			}
		}
	}
	for (int j = 0; j < 2; j++) {
		close(one[j]);
		close(two[j]);
	}
}

static void act(int signal)
{
	char text[COUNTERS * 16];
	int length = 0;

	if (signal == SIGUSR1) {
		if (write(1, "storm 1\n", 8) != 8 || write(5, "storm 5\n", 8) != 8)
			_exit(1);
		return;
	}
	for (int i = 0; i < COUNTERS; i++)
		length += snprintf(text + length, sizeof(text) - length, "%u\n", counters[i]);
	report("counters", text, length);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		exec_again(argv);
	begin();
	place(open("log", O_WRONLY | O_CREAT | O_APPEND, 0644), 5, 0);
	counters_fd = must(open("counters", O_RDWR | O_CREAT, 0644));
	must(ftruncate(counters_fd, 4096));
	counters = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, counters_fd, 0);
	if (counters == MAP_FAILED)
		return 1;
	start_ring();
	start_forks();
	start_execs("/proc/self/exe");
	start_sockets();
	start_splices();
	ready();
	serve_with(act);
}
