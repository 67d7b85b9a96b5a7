import type { Stats } from 'node:fs';

/** The mode and owner of a member, as a look found them. */
export function modeAndOwner({ mode, uid, gid }: Stats) {
  return { mode: mode & 0o7777, uid, gid };
}
