#include "holes.h"

/* The unit of st_blocks. */
#define BLOCK_SIZE 512
/* Below it, a file is read whatever it is. */
#define HARMLESS_SIZE (5LL << 28)
/* Also of what a file system compresses. */
#define RATIO_MAX 200

unsigned long long stored_bytes(const struct stat *status)
{
	return (unsigned long long)status->st_blocks * BLOCK_SIZE;
}

bool is_nearly_all_holes(const struct stat *status)
{
	return status->st_size > HARMLESS_SIZE && (unsigned long long)status->st_size / RATIO_MAX > stored_bytes(status);
}
