import type { Match, References } from '../match';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** A lock of an open file is that of all its descriptors; one that leaves is without it. */
export function lostLocks({ assignment, found }: Decided): Warning[] {
  const held = found.names.filter(({ isShared }) => isShared);
  if (held.length === 0) return [];
  const leaving = new Map(assignment.claims.map(({ match }) => [match.id, match]));
  const matchOf = new Map<string, Match>();
  for (const [id, match] of leaving) {
    const { descriptors } = found.references.get(id) as References;
    for (const { table, fd } of descriptors) matchOf.set(`${table}/${fd}`, match);
  }
  return held.flatMap(({ pid, fd, what }) => {
    const match = matchOf.get(`${found.tasks.tableOf(pid)}/${fd}`);
    if (match === undefined) return [];
    const message = `${match.facts.key} (file id ${match.id}): descriptor ${pid}/${fd}, which stays, holds ${what}; the descriptors that leave its entry do not claim it any more`;
    return [{ code: 'LOCK_NOT_SHARED' as const, message, fileId: match.id }];
  });
}
