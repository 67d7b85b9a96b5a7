/* pstree.img and inventory.img as the launcher reads them (image-records.c, dump-pids.c, dump-plugins.c). */
#include "image-records.h"

#include <unistd.h>

#include "dump-pids.h"
#include "dump-plugins.h"
#include "exit-codes.h"
#include "support.h"

#define NAMES_MAX 64

/* The first byte says which of the two it is. */
const struct fuzz_layout fuzz_layout = {.control = 1, .is_framed = true};

static int read_pids(const struct images *images)
{
	struct dump_pids pids;
	int code = dump_pids_read(&pids, images);

	MUST(code == 0 || pids.count == 0);
	for (size_t i = 0; i < pids.count; i++) {
		MUST(i == 0 || pids.list[i - 1] <= pids.list[i]);
		MUST(dump_pids_have(&pids, pids.list[i]));
	}
	dump_pids_free(&pids);
	return code;
}

static int read_plugins(const struct images *images)
{
	struct dump_plugins plugins;
	int code = dump_plugins_read(&plugins, images);

	MUST(plugins.count <= NAMES_MAX && (code == 0 || plugins.count == 0));
	dump_plugins_free(&plugins);
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct fuzz_input input = {bytes, size};
	bool is_inventory = take_u8(&input) & 1;
	struct images images = NO_IMAGES;
	int code;

	fuzz_begin();
	images.kept[is_inventory ? KEPT_INVENTORY : KEPT_PSTREE] = file_of(input.at, input.left);
	code = is_inventory ? read_plugins(&images) : read_pids(&images);
	MUST(code == 0 || code == EXIT_UNUSABLE || code == EXIT_SYSTEM);
	MUST((code == 0) == (said_count() == 0));
	images_close(&images);
	fuzz_end();
	return 0;
}
