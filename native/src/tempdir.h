/* The folder of links that holds our plugin beside the caller's. */
#ifndef FDGRAFT_TEMPDIR_H
#define FDGRAFT_TEMPDIR_H

#include <stdbool.h>

#define TEMPDIR_PREFIX "fdgraft-"

/* Removes the folder and the links in it; anything that is not ours or not a link stays, and false is returned. */
bool tempdir_remove(const char *path);

#endif
