import type { InheritSpec } from '../../specs/spec';
import { FewNames } from './few-names';
import type { Hinter, SeenSocket } from './hinter';
import { NearestSockets } from './nearest-sockets';

/** Sockets of a similar name or the same port. */
export function hintSockets({ key }: InheritSpec): Hinter | undefined {
  if (key.kind !== 'socket') return undefined;
  const nearest = new NearestSockets(key.name);
  const there = new FewNames('socket');
  return {
    seeSocket: ({ keys }: SeenSocket) => {
      nearest.see(keys);
      there.add(keys[0] as string);
    },
    hints: () => nearest.found().map((near) => `did you mean ${near}?`),
    otherwise: () => there.told(),
  };
}
