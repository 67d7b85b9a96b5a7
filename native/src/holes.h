/* Files that take little disk and long to read. */
#ifndef FDGRAFT_HOLES_H
#define FDGRAFT_HOLES_H

#include <stdbool.h>
#include <sys/stat.h>

/* True for a file of more than a gigabyte that is nearly all holes: an image of records has none. */
bool is_nearly_all_holes(const struct stat *status);

/* The bytes on disk. */
unsigned long long stored_bytes(const struct stat *status);

#endif
