/* A rewritten archive as the launcher reads it (archive-plan.c, tar.c, unpack.c), without compression. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive-plan.h"
#include "support.h"

const struct fuzz_layout fuzz_layout = {.is_tar = true};

struct read_archive {
	enum plan_found found;
	struct plan plan;
	struct images images;
};

static void read_from(struct read_archive *read, int fd)
{
	*read = (struct read_archive){.images = NO_IMAGES};
	MUST(plan_keep_shown_path(&read->plan, "the archive") == 0);
	read->found = archive_read(&read->plan, &read->images, fd, PACKED_NOT, "the archive");
	MUST(read->found == PLAN_FOUND || read->found == PLAN_UNUSABLE);
}

static void check_kept(const struct read_archive *one, const struct read_archive *other, enum kept_image image)
{
	struct stat a, b;

	MUST((one->images.kept[image] >= 0) == (other->images.kept[image] >= 0));
	if (one->images.kept[image] < 0)
		return;
	MUST(fstat(one->images.kept[image], &a) == 0 && fstat(other->images.kept[image], &b) == 0);
	MUST(a.st_size == b.st_size);
}

/* Each byte of it was in the archive. */
static void check_plan(const struct read_archive *read, const uint8_t *bytes, size_t size)
{
	MUST(read->plan.size <= size);
	MUST(read->plan.size == 0 || memmem(bytes, size, read->plan.bytes, read->plan.size));
	for (int image = 0; image < KEPT_COUNT; image++) {
		struct stat status;

		if (read->images.kept[image] >= 0)
			MUST(fstat(read->images.kept[image], &status) == 0 && (uint64_t)status.st_size <= size);
	}
}

static void end(struct read_archive *read)
{
	plan_free(&read->plan);
	images_close(&read->images);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct read_archive of_file, of_pipe;
	int ends[2];
	size_t said;
	int fd;

	(void)packing_of(bytes, size);
	fuzz_begin();
	fd = file_of(bytes, size);
	read_from(&of_file, fd);
	close(fd);
	said = said_count();
	MUST((of_file.found == PLAN_FOUND) == (said == 0));
	check_plan(&of_file, bytes, size);
	/* The same in the parts that a pipe gives. */
	MUST(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	if (write(ends[1], bytes, size) == (ssize_t)size) {
		close(ends[1]);
		MUST(fcntl(ends[0], F_SETFL, 0) == 0);
		read_from(&of_pipe, ends[0]);
		MUST(of_pipe.found == of_file.found && said_count() == 2 * said);
		MUST(of_pipe.plan.size == of_file.plan.size);
		MUST(of_file.plan.size == 0 || memcmp(of_pipe.plan.bytes, of_file.plan.bytes, of_file.plan.size) == 0);
		for (int image = 0; image < KEPT_COUNT; image++)
			check_kept(&of_file, &of_pipe, (enum kept_image)image);
		end(&of_pipe);
	} else {
		close(ends[1]);
	}
	close(ends[0]);
	if (of_file.found == PLAN_FOUND) {
		enum plan_found found = plan_parse(&of_file.plan);

		MUST(found == PLAN_FOUND || found == PLAN_UNUSABLE);
	}
	end(&of_file);
	fuzz_end();
	return 0;
}
