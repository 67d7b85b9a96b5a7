import type { Stats } from 'node:fs';

/** What a member says of its mode and owner, as a look found them. */
export function modeAndOwner({ mode, uid, gid }: Stats) {
  return { mode: mode & 0o7777, uid, gid };
}
