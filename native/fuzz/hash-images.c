/* The images that a plan names (open-image.c, hash-images.c), in a directory with files, a link, a FIFO and a directory. */
#include "hash-images.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"
#include "support.h"

const struct fuzz_layout fuzz_layout = {.is_framed = true, .is_plan = true};

/* What is in it. */
static const struct {
	const char *name;
	const char *content; /* NULL: no regular file */
} entries[] = {{"files.img", "files"}, {"regular", ""}, {"link", NULL}, {"fifo", NULL}, {"directory", NULL}};
#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

static int make_directory(void)
{
	char path[SCRATCH_MAX];
	int dir = scratch_dir(path);

	for (size_t i = 0; i < ENTRIES; i++)
		if (entries[i].content)
			write_in(dir, entries[i].name, entries[i].content, strlen(entries[i].content));
	MUST(symlinkat("files.img", dir, "link") == 0 && mkfifoat(dir, "fifo", 0600) == 0 && mkdirat(dir, "directory", 0700) == 0);
	return dir;
}

static bool is_right(const Fdgraft__PlanImage *image)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		unsigned char digest[SHA256_SIZE];
		struct sha256 hash;

		if (!entries[i].content || strcmp(image->name, entries[i].name) != 0)
			continue;
		sha256_start(&hash);
		sha256_add(&hash, entries[i].content, strlen(entries[i].content));
		sha256_end(&hash, digest);
		return memcmp(digest, image->after.data, SHA256_SIZE) == 0;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static int directory = -1;
	struct plan plan;

	if (directory < 0)
		directory = make_directory();
	fuzz_begin();
	if (plan_of(&plan, bytes, size) == PLAN_FOUND) {
		size_t wrong = 0;

		for (size_t i = 0; i < plan.head->n_images; i++)
			wrong += !is_right(plan.head->images[i]);
		MUST(hash_images(&plan, directory) == 0 && problem_count() == wrong);
	}
	plan_free(&plan);
	fuzz_end();
	return 0;
}
