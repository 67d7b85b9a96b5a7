/* The parts of a rewritten archive that the launcher needs. */
#ifndef FDGRAFT_ARCHIVE_PLAN_H
#define FDGRAFT_ARCHIVE_PLAN_H

#include "images.h"
#include "unpack.h"

/*
 * Reads an archive from end to end, and keeps the plan and the images beside it that the launcher reads. Nothing is parsed
 * yet. PLAN_FOUND, or what is wrong, which is said.
 */
enum plan_found archive_read(struct plan *plan, struct images *images, int archive, enum packing packing, const char *shown_path);

#endif
