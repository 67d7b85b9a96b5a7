#include "message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A plan can hold a hundred thousand entries that are all wrong in the same way. */
#define PRINTED_PROBLEMS 100

static message_sink *current_sink;
static message_sink *warning_sink;
static size_t problems;
static size_t warnings;

const char *cause_of(int error)
{
	switch (error) {
	case EMFILE:
		return "Too many open files (raise the hard limit of descriptors, ulimit -Hn)";
	case ENFILE:
		return "Too many open files in system (raise the limit of the system, sysctl fs.file-max)";
	default:
		return strerror(error);
	}
}

static void send_formatted(message_sink *sink, const char *format, va_list arguments)
{
	char *text = NULL;

	if (!sink)
		return;
	if (vasprintf(&text, format, arguments) < 0) {
		sink("out of memory while writing a message");
		return;
	}
	sink(text);
	free(text);
}

void message_to(message_sink *sink, message_sink *for_warnings)
{
	current_sink = sink;
	warning_sink = for_warnings;
}

void message(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	send_formatted(current_sink, format, arguments);
	va_end(arguments);
}

void problem(const char *format, ...)
{
	va_list arguments;

	if (problems++ >= PRINTED_PROBLEMS)
		return;
	va_start(arguments, format);
	send_formatted(current_sink, format, arguments);
	va_end(arguments);
}

void warning(const char *format, ...)
{
	va_list arguments;

	if (warnings++ >= PRINTED_PROBLEMS)
		return;
	va_start(arguments, format);
	send_formatted(warning_sink, format, arguments);
	va_end(arguments);
}

size_t problem_count(void)
{
	return problems;
}

void problems_end(void)
{
	if (problems > PRINTED_PROBLEMS)
		message("%zu more problems are not shown", problems - PRINTED_PROBLEMS);
	if (warnings > PRINTED_PROBLEMS)
		message("%zu more warnings are not shown", warnings - PRINTED_PROBLEMS);
}

void problems_reset(void)
{
	problems = 0;
	warnings = 0;
}
