/* CRIU's configuration files (config-lines.c). */
#include "config-lines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "support.h"

/* The first byte says whether a line with libdir is wrong. */
const struct fuzz_layout fuzz_layout = {.control = 1};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *command[] = {"criu", "restore", "--no-default-config", NULL};
	struct fuzz_input input = {bytes, size};
	struct config_found found = {.libdir_is_wrong = take_u8(&input) & 1};
	char path[64];
	size_t lines = 1;
	int fd;

	fuzz_begin();
	fd = file_of(input.at, input.left);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(setenv("CRIU_CONFIG_FILE", path, 1) == 0);
	MUST(config_look(&found, command) == 0);
	for (size_t i = 0; i < input.left; i++)
		lines += input.at[i] == '\n';
	MUST(!found.auto_dedup_file || (found.auto_dedup_line >= 1 && found.auto_dedup_line <= lines));
	MUST(problem_count() <= (found.libdir_is_wrong ? lines : 0));
	/* No word of either is shorter: --libdir may be cut to --l, -L, and auto-dedup to au. */
	MUST(!found.auto_dedup_file || memchr(input.at, 'a', input.left));
	free(found.auto_dedup_file);
	close(fd);
	fuzz_end();
	return 0;
}
