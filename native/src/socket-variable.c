#include "socket-variable.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "start-dir.h"

int socket_variable_set(const char *digest, const char *directory)
{
	char *text = NULL;
	int result;

	if (asprintf(&text, "%s:%s/" SOCKET_NAME, digest, directory) < 0) {
		errno = ENOMEM;
		return -1;
	}
	result = setenv(SOCKET_ENV, text, 1);
	free(text);
	return result;
}

int socket_variable_read(struct socket_variable *variable, const char *text)
{
	const char *path = text + SHA256_HEX + 1;
	const char *slash;
	size_t length;

	if (strspn(text, "0123456789abcdef") != SHA256_HEX || text[SHA256_HEX] != ':' || path[0] != '/')
		return -1;
	slash = strrchr(path, '/');
	length = (size_t)(slash - path);
	if (length == 0 || length >= sizeof(variable->directory) || strcmp(slash + 1, SOCKET_NAME) != 0)
		return -1;
	memcpy(variable->digest, text, SHA256_HEX);
	variable->digest[SHA256_HEX] = '\0';
	memcpy(variable->directory, path, length);
	variable->directory[length] = '\0';
	return 0;
}
