/* Directories of this user alone. */
#ifndef FDGRAFT_PRIVATE_DIR_H
#define FDGRAFT_PRIVATE_DIR_H

/* As mkdirat() with mode 0700, whatever the umask. */
int private_dir_make(int parent, const char *name);

#endif
