/*
 * What the launcher tells the plugin, in the environment:
 *
 *   FDGRAFT_HANDOVER = 1 SHA256 N=HIGH:DEV:INO:MODE N=HIGH:DEV:INO:MODE …
 *
 * The version of this format, the plan's SHA-256 as 64 hexadecimal digits, then for each caller fd, ascending, its number in
 * the plan and where it is now (decimal), its st_dev and st_ino (hexadecimal) and st_mode (octal). One space between words.
 *
 *   FDGRAFT_PLUGIN_FOLDER = PATH
 *
 * Only where the folder in CRIU_LIBS_DIR was made for this one start: the plugin removes it when CRIU is done.
 */
#ifndef FDGRAFT_HANDOVER_H
#define FDGRAFT_HANDOVER_H

#include "caller.h"
#include "text.h"

#define HANDOVER_ENV "FDGRAFT_HANDOVER"
#define FOLDER_ENV "FDGRAFT_PLUGIN_FOLDER"
/* The kernel takes no longer word of an environment (32 pages). */
#define HANDOVER_MAX ((size_t)128 << 10)

/* 0, or -1 when memory is out. caller->fd is where each one is. */
int handover_write(struct text *text, const unsigned char digest[SHA256_SIZE], const struct callers *callers);

struct handed {
	uint32_t number;
	int fd;
	uint64_t device;
	uint64_t inode;
	uint32_t mode;
};

struct handover {
	unsigned char digest[SHA256_SIZE];
	struct handed *list; /* ascending number */
	size_t count;
};

/* -1: not in this form; nothing is said and nothing kept. */
int handover_read(struct handover *handover, const char *text);
void handover_free(struct handover *handover);

#endif
