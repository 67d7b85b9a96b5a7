#include "private-dir.h"

#include <sys/stat.h>

int private_dir_make(int parent, const char *name)
{
	/* With that of the caller, its owner may not be allowed to open it. */
	mode_t before = umask(077);
	int result = mkdirat(parent, name, 0700);

	(void)umask(before);
	return result;
}
