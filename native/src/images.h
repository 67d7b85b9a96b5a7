/* The source of the launcher's images: a directory, or the parts that were kept of an archive. */
#ifndef FDGRAFT_IMAGES_H
#define FDGRAFT_IMAGES_H

#include "plan.h"

/* Those that the launcher reads of an archive, beside the plan. */
enum kept_image { KEPT_PSTREE, KEPT_INVENTORY, KEPT_COUNT };

struct images {
	int directory; /* -1: an archive */
	int kept[KEPT_COUNT]; /* of an archive: files without a name; -1: it has none */
};

#define NO_IMAGES ((struct images){.directory = -1, .kept = {-1, -1}})

const char *kept_image_name(enum kept_image image);

/* Opens an image for reading from its start, as open_regular does; -1 with errno. */
int images_open(const struct images *images, const char *name);

/* Moves what is open to numbers that the plan does not name, so that none is taken for one of the caller's. -1 has said why. */
int images_clear_of_callers(struct images *images, const struct plan *plan);

void images_close(struct images *images);

#endif
