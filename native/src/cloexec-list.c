#include "cloexec-list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

int cloexec_list_set(const struct targets *targets)
{
	struct text list = {0};
	int result = text_add(&list, "%s", "");

	for (size_t i = 0; result == 0 && i < targets->count; i++)
		if (targets->list[i].close_on_exec)
			result = text_add(&list, "%s%u", list.length ? "," : "", targets->list[i].fd);
	if (result == 0)
		result = setenv("FDGRAFT_CLOEXEC", list.bytes, 1);
	if (result)
		message("cannot set FDGRAFT_CLOEXEC: %s", strerror(errno));
	text_free(&list);
	return result;
}
