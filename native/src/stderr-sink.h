/* Messages of fdgraft-exec, each one line on stderr. */
#ifndef FDGRAFT_STDERR_SINK_H
#define FDGRAFT_STDERR_SINK_H

void stderr_sink(const char *text);
void stderr_warning(const char *text);

/* From now on to this descriptor. */
void stderr_sink_fd(int fd);

#endif
