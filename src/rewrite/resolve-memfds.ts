import { memfdKey } from '../checkpoint/memfd-type';
import { Memfds } from '../checkpoint/memfds';
import { pushTo } from '../checkpoint/push-to';
import { walk } from '../checkpoint/walk/walk';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';

/**
 * Numbers of the specs that name a memfd, by the key of its entries: the name is in memfd.img alone. No pass where no
 * spec has such a key. Throws FdgraftError.
 */
export async function resolveMemfds(
  source: Source,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const numbers = new Map<string, number[]>();
  if (!specs.some(({ key }) => key.kind === 'memfd')) return numbers;
  const memfds = new Memfds();
  await walk(source, [memfds.events], signal);
  specs.forEach(({ key }, number) => {
    if (key.kind !== 'memfd') return;
    for (const inode of memfds.named(key.name)) pushTo(numbers, memfdKey(inode), number);
  });
  return numbers;
}
