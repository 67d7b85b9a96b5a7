/* Stands for a plugin of CRIU's, as cuda and amdgpu are: NAME, and the one file id that it restores, OWN_ID. With OVERFLOWS it has a fault. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#define HOOKS 10
#define RESTORE_EXT_FILE 3

static int restore_ext_file(int id, bool *retry_needed)
{
	(void)retry_needed;
	return id == OWN_ID ? open("/dev/null", O_RDWR | O_CLOEXEC) : -ENOTSUP;
}

#ifdef OVERFLOWS
static volatile int start_number = 1;
#endif

static int start(int stage)
{
	(void)stage;
	printf(NAME " starts\n");
#ifdef OVERFLOWS
	return INT_MAX + start_number;
#endif
	return 0;
}

static void end(int stage, int result)
{
	(void)stage;
	(void)result;
	printf(NAME " ends\n");
}

struct descriptor {
	const char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int result);
	unsigned int version;
	unsigned int max_hooks;
	void *hooks[HOOKS];
};

struct descriptor CR_PLUGIN_DESC = {
	.name = NAME,
	.init = start,
	.exit = end,
	.version = 0x200,
	.max_hooks = HOOKS,
	.hooks = {[RESTORE_EXT_FILE] = (void *)restore_ext_file},
};
