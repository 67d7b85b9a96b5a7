import { pushTo } from '../bytes/groups';
import { memfdKey } from '../checkpoint/memfd-type';
import { Memfds } from '../checkpoint/memfds';
import { walk } from '../checkpoint/walk/walk';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';

export interface ResolvedMemfds {
  /** Numbers of the specs that name a memfd, by the key of its entries. */
  readonly memfds: ReadonlyMap<string, readonly number[]>;
  /** All that memfd.img has; undefined if it was not read. */
  readonly memfdStates: Memfds | undefined;
}

/** Finds out which memfds specs name: the names are in memfd.img alone. No pass if no spec has such a key. Throws FdgraftError. */
export async function resolveMemfds(
  source: Source,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ResolvedMemfds> {
  const numbers = new Map<string, number[]>();
  if (!specs.some(({ key }) => key.kind === 'memfd')) return { memfds: numbers, memfdStates: undefined };
  const memfdStates = await readMemfds(source, signal);
  specs.forEach(({ key }, number) => {
    if (key.kind !== 'memfd') return;
    for (const inode of memfdStates.named(key.name)) pushTo(numbers, memfdKey(inode), number);
  });
  return { memfds: numbers, memfdStates };
}

/** Reads memfd.img, in a pass of its own. Throws FdgraftError. */
export async function readMemfds(source: Source, signal?: AbortSignal): Promise<Memfds> {
  const memfds = new Memfds();
  await walk(source, [memfds.events], signal);
  return memfds;
}
