/* The one way out for messages: the executor sends them to stderr, the plugin to CRIU's log. */
#ifndef FDGRAFT_MESSAGE_H
#define FDGRAFT_MESSAGE_H

#include <stddef.h>

/* The text of an error number, with a way out if descriptors ran out. */
const char *cause_of(int error);

/* Takes one whole message, without a newline. */
typedef void message_sink(const char *text);

/* `warnings`: gets what warning() says; NULL: nobody does. */
void message_to(message_sink *sink, message_sink *warnings);

/* A message that ends the work at hand. */
void message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One of several things that are wrong: printed at once, up to a limit, and counted. */
void problem(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Something that is lost or may surprise and ends nothing: printed at once, up to a limit. */
void warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

size_t problem_count(void);

/* Says how many problems and warnings were counted but not printed. */
void problems_end(void);

/* The counters live as long as the process, and a plugin may be loaded twice in one. */
void problems_reset(void);

#endif
