/**
 * What a plan may hold at most, so that the executor takes it whatever the caller's descriptors are. native/src/plan-limits.h
 * has the same names and numbers (test/plan/limits.test.ts compares them).
 */

/** Bytes of a whole plan. */
export const PLAN_SIZE_MAX = 268435456;
/** Bytes that the head and one placeholder need in the executor's memory. */
export const UNPACKED_MAX = 1073741824;
/** Bytes of the head or of a placeholder there, without what they point to. */
export const UNPACKED_RECORD_MAX = 256;
/** The highest number of a descriptor, of the checkpoint or of the caller. */
export const FD_NUMBER_MAX = 1048575;
/** The highest number of a task. */
export const PID_NUMBER_MAX = 2147483647;
/** The largest offset that a file can be positioned at. */
export const OFFSET_MAX = 9223372036854775807n;
/** Bytes that a pipe can hold. */
export const PIPE_CAPACITY_MAX = 2147483647;
/** Placeholders that are files to open again, whatever the caller's descriptors are. */
export const REOPENED_MAX = 4096;
/** Supplementary groups of a task. */
export const TASK_GROUPS_MAX = 65536;
/** Ranges of ids that a user namespace maps. */
export const ID_RANGES_MAX = 340;
