#include "seals.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>

#include "escape.h"
#include "locked.h"
#include "message.h"

#define NAMES_MAX 80

static const struct {
	uint32_t seal;
	const char *name;
} known[] = {
	{F_SEAL_SHRINK, "F_SEAL_SHRINK"},
	{F_SEAL_GROW, "F_SEAL_GROW"},
	{F_SEAL_WRITE, "F_SEAL_WRITE"},
	{F_SEAL_FUTURE_WRITE, "F_SEAL_FUTURE_WRITE"},
};

/* "": none of them keeps the file from a change. */
static const char *seal_names(char text[static NAMES_MAX], uint32_t seals)
{
	size_t length = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!(seals & known[i].seal))
			continue;
		length += (size_t)snprintf(text + length, NAMES_MAX - length, "%s%s", length > 0 ? "|" : "", known[i].name);
	}
	return text;
}

void warn_of_seals(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	uint32_t old = graft->kind.seals, have;
	char names[NAMES_MAX];
	struct shown spec;

	if (graft->refused || !graft->kind.has_seals)
		return;
	have = seals_of(caller);
	show_spec(&spec, plan, graft->spec);
	if (seal_names(names, have & ~old)[0] != '\0')
		warning("caller fd %u is sealed (%s), file id %u was not (spec %s): a change that this forbids fails with EPERM; give a file without such seals",
			caller->number, names, graft->file_id, spec.text);
	if (seal_names(names, old & ~have)[0] != '\0')
		warning("caller fd %u lacks the seals %s of file id %u (spec %s): a program that asks for them (F_GET_SEALS) refuses it, and others can change it; give a memfd with these seals",
			caller->number, names, graft->file_id, spec.text);
}
