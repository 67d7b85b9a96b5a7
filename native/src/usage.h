/* The command line of fdgraft-exec. */
#ifndef FDGRAFT_USAGE_H
#define FDGRAFT_USAGE_H

#include "options.h"

/* True where there is something to do; false: *code is what to exit with, and all is said. */
bool read_options(struct options *options, int argc, char **argv, int *code);

#endif
