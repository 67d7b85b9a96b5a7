#include "hash-images.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "escape.h"
#include "holes.h"
#include "message.h"
#include "open-image.h"

/* A file that grows meanwhile has another digest, and ends this all the same. */
static int hash_file(int fd, uint64_t size, unsigned char digest[SHA256_SIZE])
{
	static unsigned char buffer[64 << 10];
	struct sha256 hash;
	uint64_t done = 0;

	sha256_start(&hash);
	while (done <= size) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		sha256_add(&hash, buffer, (size_t)got);
		done += (uint64_t)got;
	}
	sha256_end(&hash, digest);
	return 0;
}

static int hash_image(const struct plan *plan, int directory, const Fdgraft__PlanImage *image)
{
	unsigned char digest[SHA256_SIZE];
	char expected[SHA256_HEX + 1], found[SHA256_HEX + 1];
	struct shown shown;
	struct stat status;
	uint64_t size;
	int fd;

	if (open_image(&fd, &size, plan, directory, image->name))
		return -1;
	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0 && is_nearly_all_holes(&status)) {
		problem("image %s of %s: it has %llu bytes on disk and holes up to %llu, which looks like a trap; rewrite the source again",
			show_raw(&shown, image->name), plan->shown_path, stored_bytes(&status), (unsigned long long)size);
		close(fd);
		return 0;
	}
	if (hash_file(fd, size, digest)) {
		message("image %s: cannot read: %s", show_raw(&shown, image->name), cause_of(errno));
		close(fd);
		return -1;
	}
	close(fd);
	if (memcmp(digest, image->after.data, SHA256_SIZE) == 0)
		return 0;
	sha256_hex(image->after.data, expected);
	sha256_hex(digest, found);
	problem("image %s of %s: SHA-256 is %s, the plan says %s: it was changed after the rewrite; if criu has dumped here since then, remove " PLAN_NAME " and rewrite that dump, else rewrite the source again",
		show_raw(&shown, image->name), plan->shown_path, found, expected);
	return 0;
}

int hash_images(const struct plan *plan, int directory)
{
	for (size_t i = 0; i < plan->head->n_images; i++)
		if (hash_image(plan, directory, plan->head->images[i]))
			return -1;
	return 0;
}
