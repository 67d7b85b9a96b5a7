/* Entries that keep their type: CRIU asks for the caller's file by a key of its own, that of a memfd with mappings or of a terminal. */
#ifndef FDGRAFT_OWN_KEY_H
#define FDGRAFT_OWN_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.pb-c.h"

struct caller;
struct graft;
struct plan;

struct own_key {
	char *text; /* NULL: the entry is a placeholder, and the plugin answers for its id */
	bool repeated; /* set by own_keys_check(): an earlier placeholder has the same */
	uint64_t mapped; /* so long the caller's file is at least */
	bool writes; /* through a shared mapping */
	bool controlling; /* the leader of a restored session takes the terminal */
	uint32_t session; /* this and the next: of the terminal, as the images number them; 0: none */
	uint32_t foreground;
};

/* Reads a placeholder's key and mappings into *key, which own_key_free() frees. Returns the fault of the plan, or NULL. */
const char *own_key_read(struct own_key *key, const Fdgraft__PlanPlaceholder *placeholder);
void own_key_free(struct own_key *key);

/* True for the open files of a terminal that goes whole. */
bool is_whole_terminal(const struct graft *graft);

/* Refuses a key that two callers' files would answer to. -1 has said why. */
int own_keys_check(struct plan *plan);

/* Compares the caller's file with what is mapped, and says what does not fit: 1, or 0 where it fits. -1 has said why. */
int mapping_check(const struct plan *plan, const struct caller *caller, const struct graft *graft);

#endif
