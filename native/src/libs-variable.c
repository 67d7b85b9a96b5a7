#include "libs-variable.h"

#include <stdlib.h>
#include <string.h>

#define SET_ENV "FDGRAFT_LIBS_DIR"
#define BEFORE_ENV "FDGRAFT_LIBS_DIR_BEFORE"

int libs_variable_set(const char *directory)
{
	const char *before = getenv(LIBS_ENV);

	if (before ? setenv(BEFORE_ENV, before, 1) : unsetenv(BEFORE_ENV))
		return -1;
	return setenv(SET_ENV, directory, 1) || setenv(LIBS_ENV, directory, 1) ? -1 : 0;
}

int libs_variable_take_back(void)
{
	const char *set = getenv(SET_ENV);
	const char *now = getenv(LIBS_ENV);
	const char *before = getenv(BEFORE_ENV);
	int result = 0;

	if (set && now && strcmp(set, now) == 0)
		result = before ? setenv(LIBS_ENV, before, 1) : unsetenv(LIBS_ENV);
	return unsetenv(SET_ENV) || unsetenv(BEFORE_ENV) ? -1 : result;
}
