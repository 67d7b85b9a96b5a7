/* Functions that the program calls, as its dynamic section names them, answered by ours. */
#ifndef FDGRAFT_REDIRECT_H
#define FDGRAFT_REDIRECT_H

#include <stdbool.h>

/*
 * From now on the main program's calls of `symbol`, a function of a library, go to `to`; calls of libraries do not. Holds for
 * children by fork too. False: the program has no such call, or not where this machine's are known to be. `to` may call the
 * function by its name. One redirect for each symbol.
 */
bool redirect_start(const char *symbol, void (*to)(void));

/* Puts back all that redirect_start() changed, if anything. */
void redirect_end(void);

#endif
