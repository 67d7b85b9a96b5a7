import { constants } from 'node:fs';

/**
 * For files that others made: should one have become a link since it was looked at, open fails; should
 * it have become a FIFO, open does not wait.
 */
export const NEVER_WAIT_OR_FOLLOW = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A path (of Linux) to the very file that a descriptor holds, whatever its name leads to by now. */
export function descriptorPath(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`);
}
