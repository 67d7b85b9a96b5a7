/* The images that a plan changed, checked against the digests that it recorded. */
#ifndef FDGRAFT_HASH_IMAGES_H
#define FDGRAFT_HASH_IMAGES_H

#include "plan.h"

/* Each image that differs is a problem(). -1 on a system error, which it has said. */
int hash_images(const struct plan *plan, int directory);

#endif
