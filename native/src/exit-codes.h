/* What the executor's functions return and the process exits with. */
#ifndef FDGRAFT_EXIT_CODES_H
#define FDGRAFT_EXIT_CODES_H

enum exit_code {
	EXIT_FITS = 0,
	EXIT_UNUSABLE = 100, /* wrong usage, a plan that cannot be used, caller fds that do not fit */
	EXIT_SYSTEM = 111,
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

#endif
