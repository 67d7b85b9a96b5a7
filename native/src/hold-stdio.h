/* The numbers 0, 1 and 2 that the caller has closed. */
#ifndef FDGRAFT_HOLD_STDIO_H
#define FDGRAFT_HOLD_STDIO_H

#include <stdbool.h>

/* Keeps them from becoming descriptors of this program, which would be taken for the caller's. COMMAND has them closed. */
int hold_stdio(void);

/* True for a number that is held: the caller has it closed. */
bool stdio_is_held(int fd);

#endif
