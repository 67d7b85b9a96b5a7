#include <stdio.h>

#include "criu.h"

void criu_log(enum criu_log_level level, const char *text)
{
	if (print_on_level)
		print_on_level((unsigned int)level, "fdgraft: %s\n", text);
	else if (level <= CRIU_LOG_WARNING)
		fprintf(stderr, "fdgraft: %s\n", text);
}

void criu_log_error(const char *text)
{
	criu_log(CRIU_LOG_ERROR, text);
}
