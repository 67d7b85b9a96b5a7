/*
 * async [SIGNAL]
 *
 * A reader of a pipe (its stdin) that is told of I/O by a signal: O_ASYNC, itself as owner, and SIGNAL with F_SETSIG where
 * it is given. On SIGUSR2 it appends to read.PID.signals how many came so far, and whether O_ASYNC is set.
 *
 * 0: the caller's pipe
 */
#include "../../../fixtures/programs/task.h"

static volatile sig_atomic_t came;

static void count(int signal)
{
	(void)signal;
	came++;
}

static void act(int signal)
{
	char line[64];

	if (signal == SIGUSR2)
		report("signals", line, snprintf(line, sizeof(line), "%d %s\n", came, fcntl(0, F_GETFL) & O_ASYNC ? "async" : "not"));
}

int main(int argc, char **argv)
{
	int told = argc > 1 ? atoi(argv[1]) : SIGIO;
	struct sigaction action = { .sa_handler = count, .sa_flags = SA_RESTART };

	begin();
	must(sigaction(told, &action, NULL));
	if (argc > 1)
		must(fcntl(0, F_SETSIG, told));
	must(fcntl(0, F_SETOWN, getpid()));
	must(fcntl(0, F_SETFL, fcntl(0, F_GETFL) | O_ASYNC));
	ready();
	serve_with(act);
}
