import { memfdNameKey } from '../../checkpoint/key-text';
import type { InheritSpec } from '../../specs/spec';
import { FewNames } from './few-names';
import type { Hinter } from './hinter';
import { ComparisonBudget, NearestPaths } from './nearest-paths';

/** Memfds of a similar name. */
export function hintMemfds({ key }: InheritSpec): Hinter | undefined {
  if (key.kind !== 'memfd') return undefined;
  const nearest = new NearestPaths(Buffer.from(key.name, 'latin1'), new ComparisonBudget());
  const there = new FewNames('memfd');
  return {
    seeMemfd: (name: Buffer) => {
      nearest.see(name, 0, name.length);
      there.add(memfdNameKey(name));
    },
    hints: () => nearest.found().map((name) => `did you mean ${memfdNameKey(name)}?`),
    otherwise: () => there.told(),
  };
}
