/* The order of lists of numbers, for qsort() and bsearch(). */
#ifndef FDGRAFT_BY_VALUE_H
#define FDGRAFT_BY_VALUE_H

/* Both are uint32_t. */
int by_value(const void *left, const void *right);

#endif
