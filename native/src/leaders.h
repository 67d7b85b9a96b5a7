/* Leaders of restored sessions: each takes its terminal before its children are born, who then have it too. */
#ifndef FDGRAFT_LEADERS_H
#define FDGRAFT_LEADERS_H

#include "plan.h"

/*
 * CRIU gives a leader its controlling terminal after it has forked the children, and these would have none. So CRIU's call of
 * setsid, which comes before, takes it. If that is not possible, a warning says so. Only with a terminal that has a leader.
 * -1 has said why.
 */
int leaders_start(const struct plan *plan);

/* Frees what leaders_start() made. CRIU has to call setsid as before by then: redirect_end(). */
void leaders_end(void);

#endif
