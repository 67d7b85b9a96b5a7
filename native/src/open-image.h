/* An image that the executor reads itself. */
#ifndef FDGRAFT_OPEN_IMAGE_H
#define FDGRAFT_OPEN_IMAGE_H

#include "plan.h"

/*
 * A regular file of the directory, not through a link. *fd is -1 where it is no such file, which is a problem(). -1 has
 * said why.
 */
int open_image(int *fd, uint64_t *size, const struct plan *plan, int directory, const char *name);

#endif
