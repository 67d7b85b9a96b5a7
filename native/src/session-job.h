/* Jobs of sessions that were not dumped, which CRIU restores with --shell-job alone. */
#ifndef FDGRAFT_SESSION_JOB_H
#define FDGRAFT_SESSION_JOB_H

#include <sys/types.h>

#include "images.h"

/*
 * A problem() if CRIU would hang or fail without --shell-job: the root task leads no session, and needs that of the dump for its
 * process group or for another task. `session`: that of CRIU, which its tasks inherit; -1 if it is not known. Returns an exit
 * code; what is wrong with the image is said.
 */
int session_job_refuse(const struct images *images, pid_t session);

#endif
