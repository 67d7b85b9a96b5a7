/*
 * CRIU_LIBS_DIR, which the launcher sets for one restore alone, and what takes it back:
 *
 *   FDGRAFT_LIBS_DIR = what the launcher set CRIU_LIBS_DIR to
 *   FDGRAFT_LIBS_DIR_BEFORE = what it was before; absent if it was not set
 */
#ifndef FDGRAFT_LIBS_VARIABLE_H
#define FDGRAFT_LIBS_VARIABLE_H

#define LIBS_ENV "CRIU_LIBS_DIR"

/* 0, or -1 with errno. */
int libs_variable_set(const char *directory);

/*
 * Gives CRIU_LIBS_DIR the value back that it had, for whatever is started next. One that somebody has set in between stays.
 * 0, or -1 with errno.
 */
int libs_variable_take_back(void);

#endif
