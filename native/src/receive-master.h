/* --attach: the master of a terminal, which comes over a socket (offer.h). */
#ifndef FDGRAFT_RECEIVE_MASTER_H
#define FDGRAFT_RECEIVE_MASTER_H

/* The master, set to O_NONBLOCK. -1 has said why, and no descriptor is open. */
int receive_master(int connection, const char *shown_path);

#endif
