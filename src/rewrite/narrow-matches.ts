import { fileKind } from '../checkpoint/entry-facts';
import type { InheritSpec } from '../specs/spec';
import type { Match } from './match';

const SLASH = 0x2f;

/**
 * Takes from each path key what something better of the same name stands in front of: a directory, where a file has
 * that name too; and, for a key without a leading slash, a file of that path, where an external file has the name.
 */
export function narrowMatches(byId: Map<number, Match>, specs: readonly InheritSpec[]): void {
  if (!specs.some(({ key }) => key.kind === 'path')) return;
  const best = new Map<number, number>();
  for (const match of byId.values()) {
    for (const number of match.specs) {
      const rank = rankOf(match, specs[number]);
      if (rank < (best.get(number) ?? Number.POSITIVE_INFINITY)) best.set(number, rank);
    }
  }
  for (const [id, match] of byId) {
    const left = match.specs.filter((number) => rankOf(match, specs[number]) === best.get(number));
    if (left.length === 0) byId.delete(id);
    else if (left.length < match.specs.length) byId.set(id, { ...match, specs: left });
  }
}

function rankOf({ facts }: Match, spec: InheritSpec | undefined): number {
  if (spec?.key.kind !== 'path') return 0;
  const isSecond = spec.key.name[0] !== SLASH && facts.isExternal !== true;
  const isDirectory = fileKind(facts) === 'directory' && facts.isExternal !== true;
  return (isDirectory ? 2 : 0) + (isSecond ? 1 : 0);
}
