/* The images that a plan changed, checked against the digests that it recorded. */
#ifndef FDGRAFT_HASH_IMAGES_H
#define FDGRAFT_HASH_IMAGES_H

#include "plan.h"

/*
 * Each image that differs is a problem(). -1 on a system error, which it has said. Nothing bounds the size of an image: CRIU
 * reads the same bytes later, a plan names each image once, and any signal ends this process as usual.
 */
int hash_images(const struct plan *plan, int directory);

#endif
