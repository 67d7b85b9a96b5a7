import type { InheritSpec } from '../../specs/spec';
import { isCurrentTerminal } from '../resolve-terminals';
import { alreadyKnown, type Hinter, type Known, MAX_HINTS } from './hinter';

/** Entries that the spec names, and that no descriptor refers to. */
export function hintNotOpen({ key }: InheritSpec, { found, resolved }: Known, number: number): Hinter | undefined {
  if (resolved.currentTerminals.size > 0 && isCurrentTerminal(key)) return undefined;
  return alreadyKnown(
    found.notOpen
      .filter(({ specs }) => specs.includes(number))
      // Both entries and remaps can be many.
      .slice(0, MAX_HINTS)
      .map(({ facts, id }) => {
        const isStandIn = found.remaps.some(({ linkedId }) => linkedId === id);
        const uses = [
          ...(found.otherReferences.get(id) ?? []),
          ...(isStandIn ? ['the stand-in for a removed file'] : []),
        ];
        const as = uses.length === 0 ? '' : `, only as ${uses.join(', ')}`;
        return `${facts.key} is there${as}, but no descriptor refers to it`;
      }),
  );
}
