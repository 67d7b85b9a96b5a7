#include "images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clear-dup.h"
#include "open-regular.h"

static const char *const names[KEPT_COUNT] = {
	[KEPT_PSTREE] = "pstree.img",
	[KEPT_INVENTORY] = "inventory.img",
};

const char *kept_image_name(enum kept_image image)
{
	return names[image];
}

int images_open(const struct images *images, const char *name)
{
	if (images->directory >= 0)
		return open_regular(images->directory, name, 0);
	for (int i = 0; i < KEPT_COUNT; i++) {
		char path[64];

		if (images->kept[i] < 0 || strcmp(names[i], name) != 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", images->kept[i]);
		return open(path, O_RDONLY | O_CLOEXEC);
	}
	errno = ENOENT;
	return -1;
}

int images_clear_of_callers(struct images *images, const struct plan *plan)
{
	int *all[KEPT_COUNT + 1] = {&images->directory};

	for (int i = 0; i < KEPT_COUNT; i++)
		all[i + 1] = &images->kept[i];
	for (int i = 0; i < KEPT_COUNT + 1; i++) {
		if (*all[i] < 0)
			continue;
		*all[i] = dup_clear_of_callers(*all[i], plan);
		if (*all[i] < 0)
			return -1;
	}
	return 0;
}

void images_close(struct images *images)
{
	if (images->directory >= 0)
		close(images->directory);
	for (int i = 0; i < KEPT_COUNT; i++)
		if (images->kept[i] >= 0)
			close(images->kept[i]);
	*images = NO_IMAGES;
}
