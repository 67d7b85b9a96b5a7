#include "stderr-sink.h"

#include <stdio.h>
#include <unistd.h>

#include "hold-stdio.h"

static int sink = STDERR_FILENO;

void stderr_sink_fd(int fd)
{
	sink = fd;
}

static void print(const char *format, const char *text)
{
	/* Nothing is left to say where this fails. */
	if (!stdio_is_held(sink))
		(void)dprintf(sink, format, text);
}

void stderr_warning(const char *text)
{
	print("fdgraft-exec: warning: %s\n", text);
}

void stderr_sink(const char *text)
{
	print("fdgraft-exec: %s\n", text);
}
