/* Images that are one file with another directory, such as pages of which OUT has a hard link. */
#ifndef FDGRAFT_SHARED_IMAGES_H
#define FDGRAFT_SHARED_IMAGES_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "plan.h"

/* True for an image that another directory has, too: a link, hard or symbolic. Then status is that of the file behind it. */
bool is_shared(int directory, const char *name, struct stat *status);

/* Puts the name of a pages image that is another directory's too into name, "" where there is none. -1 has said why. */
int find_linked_pages(int directory, char name[NAME_MAX + 1]);

/*
 * A dump into the other directory writes into the file that both have, and a restore would mix two checkpoints. Each shared
 * image that was written after the plan beside it is a problem(). -1 on a system error, which it has said.
 */
int shared_images_check(const struct plan *plan, int directory);

#endif
