/*
 * CRIU's plugin interface as this plugin uses it, from 3.17 to 4.3.
 *
 * CRIU loads each *.so of its library directory and looks CR_PLUGIN_DESC up in it. It refuses a plugin whose version or
 * max_hooks is greater than its own, so both are the smallest that serve. init runs in CRIU's main process before anything
 * is restored, exit when all is done; exit is not called after an init that failed.
 */
#ifndef FDGRAFT_CRIU_H
#define FDGRAFT_CRIU_H

#include <stdbool.h>

/* Version 0.2.0 as CRIU packs it: major << 16, minor << 8, sublevel. */
#define CRIU_INTERFACE_VERSION (2u << 8)

enum criu_stage { CRIU_STAGE_DUMP, CRIU_STAGE_PRE_DUMP, CRIU_STAGE_RESTORE };

/* The hook that CRIU calls for each external file entry, in the restored task that opens it first, by its place in the table. */
#define CRIU_HOOK_RESTORE_EXT_FILE 3
/*
 * The hook that CRIU calls in its main process, once for each living task with its pid, when all of them are restored and
 * still stopped. From 4.3 on an answer less than 0 ends the restore; older ones go on. -ENOTSUP always goes on, and is the
 * only one after which the same hook of other plugins is called.
 */
#define CRIU_HOOK_RESUME_DEVICES_LATE 9
#define CRIU_HOOKS_USED (CRIU_HOOK_RESUME_DEVICES_LATE + 1)

struct criu_plugin {
	const char *name;
	int (*init)(int stage);
	void (*exit)(int stage, int result);
	unsigned int version;
	unsigned int max_hooks;
	void *hooks[CRIU_HOOKS_USED];
};

enum criu_log_level { CRIU_LOG_ERROR = 1, CRIU_LOG_WARNING = 2, CRIU_LOG_INFO = 3 };

/*
 * Names that the criu binary exports. Only criu_get_image_dir is promised, so all are bound weakly and looked at before use.
 * inherit_fd_add takes fd over and, in older versions, keeps the pointer to the key; inherit_fd_lookup_id answers in any task
 * with a fresh descriptor of what was stored, or less than 0.
 */
#define FROM_CRIU extern __attribute__((weak, visibility("default")))
FROM_CRIU int criu_get_image_dir(void);
FROM_CRIU int inherit_fd_add(int fd, char *key);
FROM_CRIU int inherit_fd_lookup_id(char *key);
FROM_CRIU void print_on_level(unsigned int level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Came together with the hook's second argument; it is never called, its presence tells. */
FROM_CRIU int criu_plugin_get_options(int *count, char ***options);

/* To CRIU's log, or to stderr where that is not there. */
void criu_log(enum criu_log_level level, const char *text);
void criu_log_error(const char *text);
void criu_log_warning(const char *text);

#endif
