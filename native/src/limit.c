#include "limit.h"

#include <errno.h>
#include <string.h>

#include "message.h"

int limit_raise(struct rlimit *before)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, before)) {
		message("cannot read the limit of descriptors: %s", cause_of(errno));
		return -1;
	}
	limit = *before;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit)) {
		message("cannot raise the limit of descriptors: %s", cause_of(errno));
		return -1;
	}
	return 0;
}

int limit_set_back(const struct rlimit *before)
{
	if (setrlimit(RLIMIT_NOFILE, before) == 0)
		return 0;
	message("cannot set the limit of descriptors back: %s", cause_of(errno));
	return -1;
}
