/* Listing directories to their end. */
#ifndef FDGRAFT_LIST_DIR_H
#define FDGRAFT_LIST_DIR_H

#include <dirent.h>

/* As readdir(). After NULL, errno is 0 at the end of the directory, and tells of a failure otherwise. */
struct dirent *next_entry(DIR *stream);

/* Closes it and keeps errno. */
void end_list(DIR *stream);

#endif
