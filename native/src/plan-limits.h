/*
 * What a plan may hold at most, whatever the caller's descriptors are. src/schema/plan-limits.ts has the same numbers:
 * `fdgraft rewrite` writes no plan that is past one of them.
 */
#ifndef FDGRAFT_PLAN_LIMITS_H
#define FDGRAFT_PLAN_LIMITS_H

/* Bytes of a whole plan: about ten million descriptors. */
#define PLAN_SIZE_MAX 268435456
/* Bytes that the head and one placeholder need in memory: a small record can unpack into fifty times its size. */
#define UNPACKED_MAX 1073741824
/* Bytes of the head or of a placeholder in memory, without what they point to. */
#define UNPACKED_RECORD_MAX 256
/* Linux allows no descriptor number past this unless fs.nr_open is raised. */
#define FD_NUMBER_MAX 1048575
/* pid_t is signed. */
#define PID_NUMBER_MAX 2147483647
/* off_t is signed. */
#define OFFSET_MAX 9223372036854775807
/* Bytes that a pipe can hold: F_SETPIPE_SZ takes a signed number. */
#define PIPE_CAPACITY_MAX 2147483647
/* More files to open again than this make every look-up in CRIU's store slow: it is searched from its start. */
#define REOPENED_MAX 4096
/* Supplementary groups of a task: NGROUPS_MAX. */
#define TASK_GROUPS_MAX 65536
/* Lines of uid_map or gid_map (user_namespaces(7)). */
#define ID_RANGES_MAX 340

#endif
