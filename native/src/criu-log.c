#include <stdio.h>

#include "criu.h"

void criu_log(enum criu_log_level level, const char *text)
{
	/* As CRIU's own lines begin, so that what looks for errors in a log finds ours. */
	const char *begin = level == CRIU_LOG_ERROR ? "Error (fdgraft): " : level == CRIU_LOG_WARNING ? "Warn  (fdgraft): " : "fdgraft: ";

	if (print_on_level)
		print_on_level((unsigned int)level, "%s%s\n", begin, text);
	else if (level <= CRIU_LOG_WARNING)
		fprintf(stderr, "%s%s\n", begin, text);
}

void criu_log_error(const char *text)
{
	criu_log(CRIU_LOG_ERROR, text);
}

void criu_log_warning(const char *text)
{
	criu_log(CRIU_LOG_WARNING, text);
}
