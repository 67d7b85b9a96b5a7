/* The plan that --plan names. */
#ifndef FDGRAFT_FIND_PLAN_H
#define FDGRAFT_FIND_PLAN_H

#include "images.h"

/*
 * path is the image directory, its inherit-plan.img, or a rewritten archive: tar, plain or compressed by gzip or zstd.
 * *images gets where its images are; the caller closes it (it is NO_IMAGES where nothing was found). Everything but
 * PLAN_FOUND has said why.
 */
enum plan_found plan_find(struct plan *plan, const char *path, struct images *images);

#endif
