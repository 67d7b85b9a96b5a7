#include "message.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A plan can hold a hundred thousand entries that are all wrong in the same way. */
#define PRINTED_PROBLEMS 100

static message_sink *current_sink;
static size_t problems;

static const char no_memory[] = "out of memory while writing a message";

static void send_formatted(const char *format, va_list arguments)
{
	char *text = NULL;

	if (!current_sink)
		return;
	if (vasprintf(&text, format, arguments) < 0) {
		current_sink(no_memory);
		return;
	}
	current_sink(text);
	free(text);
}

void message_to(message_sink *sink)
{
	current_sink = sink;
}

void message(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	send_formatted(format, arguments);
	va_end(arguments);
}

void problem(const char *format, ...)
{
	va_list arguments;

	if (problems++ >= PRINTED_PROBLEMS)
		return;
	va_start(arguments, format);
	send_formatted(format, arguments);
	va_end(arguments);
}

void warning(const char *format, ...)
{
	va_list arguments;
	char *text = NULL;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	message("%s%s", text ? "warning: " : "", text ? text : no_memory);
	free(text);
}

size_t problem_count(void)
{
	return problems;
}

void problems_end(void)
{
	if (problems > PRINTED_PROBLEMS)
		message("%zu more problems are not shown", problems - PRINTED_PROBLEMS);
}

void problems_reset(void)
{
	problems = 0;
}
