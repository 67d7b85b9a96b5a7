#include "own-key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "caller.h"
#include "message.h"
#include "plan.h"

#define MEMFD_KEY "/memfd:"
/* The number of no driver, which stands for terminals of callers. */
#define TERMINAL_KEY "tty[fd670001:"
#define TERMINAL_DIGITS_MAX 8
/* CRIU before 4.0 compares no more of a key (criu/files.c). */
#define OWN_KEY_MAX 31

/* As CRIU writes it: it would ask for no other. */
static bool is_terminal_key(const char *text)
{
	const char *digits = text + strlen(TERMINAL_KEY);
	size_t count;

	if (strncmp(text, TERMINAL_KEY, strlen(TERMINAL_KEY)) != 0)
		return false;
	count = strspn(digits, "0123456789abcdef");
	return count >= 1 && count <= TERMINAL_DIGITS_MAX && strcmp(digits + count, "]") == 0;
}

static bool is_memfd_key(const char *text)
{
	return strncmp(text, MEMFD_KEY, strlen(MEMFD_KEY)) == 0 && strlen(text) <= OWN_KEY_MAX;
}

static const char *read_mapping(struct own_key *key, const Fdgraft__PlanPlaceholder *placeholder)
{
	const Fdgraft__PlanMapping *mapping = placeholder->mapping;

	if (placeholder->n_references > 0)
		return "it has mappings, and descriptors or SCM rights too";
	if (mapping->bytes > OFFSET_MAX)
		return "its mappings end past the largest possible file";
	key->mapped = mapping->bytes;
	key->writes = mapping->writes;
	return NULL;
}

static const char *read_terminal(struct own_key *key, const Fdgraft__PlanTerminal *terminal)
{
	if (terminal->has_leader && terminal->session == 0)
		return "its terminal has a leader and no session";
	key->controlling = terminal->has_leader;
	key->session = terminal->session;
	key->foreground = terminal->foreground;
	return NULL;
}

const char *own_key_read(struct own_key *key, const Fdgraft__PlanPlaceholder *placeholder)
{
	const Fdgraft__PlanMapping *mapping = placeholder->mapping;
	const Fdgraft__PlanTerminal *terminal = placeholder->terminal;
	const char *wrong = NULL;

	*key = (struct own_key){0};
	if (!placeholder->key)
		return mapping ? "it has mappings and no key" : terminal ? "it has a terminal and no key" : NULL;
	if (mapping && terminal)
		return "it has mappings and a terminal";
	if (!mapping && !terminal)
		return "it has a key, and neither mappings nor a terminal";
	if (!(mapping ? is_memfd_key(placeholder->key) : is_terminal_key(placeholder->key)))
		return mapping ? "its key is not that of a memfd, " MEMFD_KEY " and at most 24 bytes" :
				 "its key is not that of a terminal, " TERMINAL_KEY "…]";
	if (placeholder->apply != FDGRAFT__PLAN_APPLY__APPLY_DUP ||
	    placeholder->position != FDGRAFT__PLAN_POSITION__POSITION_CALLER)
		return "it has a key, and its apply is not 1 (dup) or its position not 0 (caller)";
	wrong = mapping ? read_mapping(key, placeholder) : read_terminal(key, terminal);
	if (wrong)
		return wrong;
	key->text = strdup(placeholder->key);
	return key->text ? NULL : "there is no memory for its key";
}

void own_key_free(struct own_key *key)
{
	free(key->text);
	key->text = NULL;
}

bool is_whole_terminal(const struct graft *graft)
{
	return graft->own_key.text && graft->kind.name == KIND_TERMINAL;
}

static int by_key(const void *left, const void *right)
{
	const struct graft *a = *(struct graft *const *)left;
	const struct graft *b = *(struct graft *const *)right;
	int order = strcmp(a->own_key.text, b->own_key.text);

	return order ? order : (a->file_id > b->file_id) - (a->file_id < b->file_id);
}

/* All that is checked and done is by the first placeholder of a key. */
static bool is_one_session(const struct own_key *a, const struct own_key *b)
{
	return a->controlling == b->controlling && a->session == b->session && a->foreground == b->foreground;
}

int own_keys_check(struct plan *plan)
{
	struct graft **keyed = calloc(plan->graft_count + 1, sizeof(*keyed));
	size_t count = 0;
	int result = 0;

	if (!keyed) {
		message("%s: out of memory for %zu placeholders", plan->shown_path, plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++)
		if (plan->grafts[i].own_key.text)
			keyed[count++] = &plan->grafts[i];
	qsort(keyed, count, sizeof(struct graft *), by_key);
	for (size_t i = 1; i < count && !result; i++) {
		keyed[i]->own_key.repeated = strcmp(keyed[i - 1]->own_key.text, keyed[i]->own_key.text) == 0;
		if (!keyed[i]->own_key.repeated)
			continue;
		if (!is_one_session(&keyed[i - 1]->own_key, &keyed[i]->own_key)) {
			message("%s: file ids %u and %u have one key, and it is not the terminal of one session; " PLAN_AGAIN,
				plan->shown_path, keyed[i - 1]->file_id, keyed[i]->file_id);
			result = -1;
		} else if (keyed[i - 1]->caller_fd != keyed[i]->caller_fd) {
			message("%s: file ids %u and %u have one key, and caller fds %u and %u; " PLAN_AGAIN, plan->shown_path,
				keyed[i - 1]->file_id, keyed[i]->file_id, keyed[i - 1]->caller_fd, keyed[i]->caller_fd);
			result = -1;
		}
	}
	free(keyed);
	return result;
}

/* The kernel itself says whether the file can be mapped so: seals and some file systems forbid it. */
static int try_mapping(const struct caller *caller, bool writes)
{
	size_t length = (size_t)sysconf(_SC_PAGESIZE);
	void *at = mmap(NULL, length, writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, caller->fd, 0);

	return at == MAP_FAILED || munmap(at, length) ? errno : 0;
}

int mapping_check(const struct plan *plan, const struct caller *caller, const struct graft *graft)
{
	const struct own_key *key = &graft->own_key;
	struct shown spec;
	int error;

	if (key->mapped == 0)
		return 0;
	show_spec(&spec, plan, graft->spec);
	if ((uint64_t)caller->status.st_size < key->mapped) {
		problem("caller fd %u is a file of %lld bytes, tasks have mapped %llu bytes of file id %u (spec %s): they get SIGBUS behind the end; make it that long",
			caller->number, (long long)caller->status.st_size, (unsigned long long)key->mapped, graft->file_id,
			spec.text);
		return 1;
	}
	error = try_mapping(caller, key->writes);
	if (error == ENOMEM || error == ENFILE) {
		message("caller fd %u: cannot map it: %s", caller->number, cause_of(error));
		return -1;
	}
	/* Access that is missing is said by choose(). */
	if (error == 0 || error == EACCES)
		return 0;
	problem("caller fd %u cannot be mapped for %s as file id %u needs it (spec %s): %s; give a file without such seals, of a file system that can map it",
		caller->number, key->writes ? "reading and writing" : "reading", graft->file_id, spec.text, cause_of(error));
	return 1;
}
