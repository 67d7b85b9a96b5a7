#include "answers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "criu.h"
#include "message.h"
#include "reopen.h"

/* CRIU compares every key with paths less their first slash, so none of these can be taken for a file. */
#define CALLER_KEY "//fdgraft/fd/%u"
#define OPENED_KEY "//fdgraft/id/%u"
#define KEY_MAX 32

/* Which key answers for which file id. */
struct answer {
	uint32_t file_id;
	uint32_t caller_fd;
	bool reopened;
};

static struct answer *answers; /* ascending file_id */
static size_t answer_count;
/* Older CRIUs keep the pointers they are given, so the keys live as long as the plugin does. */
static char **keys;
static size_t key_count;

static void make_key(char key[KEY_MAX], const struct answer *answer)
{
	if (answer->reopened)
		snprintf(key, KEY_MAX, OPENED_KEY, answer->file_id);
	else
		snprintf(key, KEY_MAX, CALLER_KEY, answer->caller_fd);
}

static int by_file_id(const void *left, const void *right)
{
	uint32_t a = ((const struct answer *)left)->file_id;
	uint32_t b = ((const struct answer *)right)->file_id;

	return (a > b) - (a < b);
}

int answers_fd(uint32_t file_id)
{
	struct answer wanted = {.file_id = file_id};
	const struct answer *answer;
	char key[KEY_MAX];
	int fd;

	if (answer_count == 0)
		return -ENOTSUP;
	answer = bsearch(&wanted, answers, answer_count, sizeof(*answers), by_file_id);
	if (!answer)
		return -ENOTSUP;
	make_key(key, answer);
	fd = inherit_fd_lookup_id(key);
	return fd < 0 ? -ENOENT : fd;
}

/* -1 has said why. fd is CRIU's from then on. */
static int store(int fd, const char *key)
{
	keys[key_count] = strdup(key);
	if (!keys[key_count]) {
		message("out of memory");
		close(fd);
		return -1;
	}
	if (inherit_fd_add(fd, keys[key_count++])) {
		message("CRIU did not take the descriptor for %s", key);
		close(fd);
		return -1;
	}
	return 0;
}

static int store_dup(const struct caller *caller, const char *key)
{
	int fd = fcntl(caller->fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0) {
		message("caller fd %u: cannot dup it: %s", caller->number, cause_of(errno));
		return -1;
	}
	return store(fd, key);
}

static int store_caller(const struct caller *caller)
{
	struct answer answer = {.caller_fd = caller->number};
	char key[KEY_MAX];

	make_key(key, &answer);
	return store_dup(caller, key);
}

static int store_reopened(const struct caller *caller, const struct graft *graft)
{
	struct answer answer = {.file_id = graft->file_id, .reopened = true};
	int fd = reopen(caller, graft);
	char key[KEY_MAX];

	if (fd < 0) {
		message("caller fd %u: cannot open it a second time for file id %u: %s", caller->number, graft->file_id,
			cause_of(errno));
		return -1;
	}
	make_key(key, &answer);
	return store(fd, key);
}

int answers_store(const struct plan *plan, const struct callers *callers)
{
	keys = calloc(plan->graft_count + callers->count + 1, sizeof(*keys));
	answers = calloc(plan->graft_count + 1, sizeof(*answers));
	if (!keys || !answers) {
		message("out of memory for %zu placeholders", plan->graft_count);
		return -1;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		struct caller *caller = caller_find(callers, plan->grafts[i].caller_fd);

		if (plan->grafts[i].own_key.text) {
			if (!plan->grafts[i].own_key.repeated && store_dup(caller, plan->grafts[i].own_key.text))
				return -1;
			continue;
		}
		if (plan->grafts[i].reopen || caller->stored)
			continue;
		if (store_caller(caller))
			return -1;
		caller->stored = true;
	}
	for (size_t i = 0; i < plan->graft_count; i++) {
		const struct graft *graft = &plan->grafts[i];

		if (graft->reopen && store_reopened(caller_find(callers, graft->caller_fd), graft))
			return -1;
		/* CRIU asks for the others by their own keys. */
		if (!graft->own_key.text)
			answers[answer_count++] = (struct answer){
				.file_id = graft->file_id, .caller_fd = graft->caller_fd, .reopened = graft->reopen};
	}
	return 0;
}

void answers_forget(void)
{
	for (size_t i = 0; i < key_count; i++)
		free(keys[i]);
	free(keys);
	free(answers);
	keys = NULL;
	answers = NULL;
	key_count = 0;
	answer_count = 0;
}
