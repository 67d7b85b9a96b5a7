import type { Claim } from '../assign';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** A lock of an open file is that of all its descriptors; one that leaves is without it. */
export function lostLocks({ assignment, found }: Decided): Warning[] {
  const leaving = new Map<number, Claim>();
  for (const claim of assignment.claims) if (!leaving.has(claim.match.id)) leaving.set(claim.match.id, claim);
  const held = found.names.filter(({ isShared }) => isShared);
  if (held.length === 0 || leaving.size === 0) return [];
  const entryOf = new Map<string, number>();
  for (const id of leaving.keys()) {
    for (const { table, fd } of found.references.get(id)?.descriptors ?? []) entryOf.set(`${table}/${fd}`, id);
  }
  return held.flatMap(({ pid, fd, what }) => {
    const id = entryOf.get(`${found.tasks.tableOf(pid)}/${fd}`);
    const claim = id === undefined ? undefined : leaving.get(id);
    if (claim === undefined) return [];
    const { match } = claim;
    const message = `${match.facts.key} (file id ${match.id}): descriptor ${pid}/${fd}, which stays, holds ${what}; the descriptors that leave its entry do not claim it any more`;
    return [{ code: 'LOCK_NOT_SHARED' as const, message, fileId: match.id }];
  });
}
