/* Text from plans, files and the command line, made fit for a terminal or a log. */
#ifndef FDGRAFT_ESCAPE_H
#define FDGRAFT_ESCAPE_H

#include <stddef.h>

enum escape_kind {
	ESCAPE_RAW, /* bytes as they are: a backslash before an x becomes \x5c */
	ESCAPE_PRINTED, /* already written that way, as texts in a plan are: backslashes stay */
};

/* Room for one shown text; longer ones end in "...". */
#define SHOWN_MAX 1024

struct shown {
	char text[SHOWN_MAX];
};

/* Characters that a terminal acts on or does not show, and bytes that are not valid UTF-8, come out as \xHH. */
const char *escape(struct shown *shown, enum escape_kind kind, const void *bytes, size_t length);
const char *show_raw(struct shown *shown, const char *text);
const char *show_printed(struct shown *shown, const char *text);

#endif
