#include "stderr-sink.h"

#include <stdio.h>
#include <unistd.h>

static int sink = STDERR_FILENO;

void stderr_sink_fd(int fd)
{
	sink = fd;
}

void stderr_warning(const char *text)
{
	(void)dprintf(sink, "fdgraft-exec: warning: %s\n", text);
}

void stderr_sink(const char *text)
{
	/* Nothing is left to say where this fails. */
	(void)dprintf(sink, "fdgraft-exec: %s\n", text);
}
