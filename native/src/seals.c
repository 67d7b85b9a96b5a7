#include "seals.h"

#include <fcntl.h>

#include "escape.h"
#include "locked.h"
#include "message.h"
#include "text.h"

static const struct bit_name known[] = {
	{F_SEAL_SHRINK, "F_SEAL_SHRINK"},
	{F_SEAL_GROW, "F_SEAL_GROW"},
	{F_SEAL_WRITE, "F_SEAL_WRITE"},
	{F_SEAL_FUTURE_WRITE, "F_SEAL_FUTURE_WRITE"},
};

/* "": none of them keeps the file from a change. */
static const char *seal_names(struct text *text, uint32_t seals)
{
	if (text_add_bits(text, known, sizeof(known) / sizeof(known[0]), seals))
		return "some seals";
	return text->length ? text->bytes : "";
}

void warn_of_seals(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	uint32_t old = graft->kind.seals, have;
	struct text more = {0}, fewer = {0};
	const char *names;
	struct shown spec;

	if (graft->refused || !graft->kind.has_seals)
		return;
	have = seals_of(caller);
	show_spec(&spec, plan, graft->spec);
	names = seal_names(&more, have & ~old);
	if (names[0] != '\0')
		warning("caller fd %u is sealed (%s), file id %u was not (spec %s): a change that this forbids fails with EPERM; give a file without such seals",
			caller->number, names, graft->file_id, spec.text);
	names = seal_names(&fewer, old & ~have);
	if (names[0] != '\0')
		warning("caller fd %u lacks the seals %s of file id %u (spec %s): a program that asks for them (F_GET_SEALS) refuses it, and others can change it; give a memfd with these seals",
			caller->number, names, graft->file_id, spec.text);
	text_free(&more);
	text_free(&fewer);
}
