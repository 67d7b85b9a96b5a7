/* FDGRAFT_SOCKET of the environment (socket-variable.c). */
#include "socket-variable.h"

#include <stdlib.h>
#include <string.h>

#include "start-dir.h"
#include "support.h"

const struct fuzz_layout fuzz_layout = {0};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct socket_variable variable;
	char *text = malloc(size + 1);

	MUST(text);
	if (size > 0)
		memcpy(text, bytes, size);
	text[size] = '\0';
	fuzz_begin();
	if (socket_variable_read(&variable, text) == 0) {
		MUST(strlen(variable.digest) == SHA256_HEX && variable.directory[0] == '/');
		MUST(socket_variable_set(variable.digest, variable.directory) == 0);
		MUST(strcmp(getenv(SOCKET_ENV), text) == 0);
		unsetenv(SOCKET_ENV);
	}
	fuzz_end();
	free(text);
	return 0;
}
