/* Standard descriptors that come at other numbers. */
#ifndef FDGRAFT_TAKE_STDIO_H
#define FDGRAFT_TAKE_STDIO_H

/* "A,B,C": makes these descriptors 0, 1 and 2, and closes A, B and C. Returns an exit code; what is wrong is said. */
int take_stdio(const char *numbers);

#endif
