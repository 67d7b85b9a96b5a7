/* --attach: shows a terminal whose master comes from fdgraft-exec --pty=SOCKET. */
#ifndef FDGRAFT_ATTACH_H
#define FDGRAFT_ATTACH_H

/* Returns an exit code. */
int attach(const char *path);

#endif
