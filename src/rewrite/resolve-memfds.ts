import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { memfdKey } from '../checkpoint/memfd-type';
import { pushTo } from '../checkpoint/push-to';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import { eachMemfd } from './memfd-records';

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
  const byName = new Map<string, number[]>();
  specs.forEach(({ key }, number) => {
    if (key.kind === 'memfd') pushTo(byName, key.name, number);
  });
  if (byName.size === 0) return numbers;
  const images = new ImagesByName(source, signal);
  try {
    await eachMemfd(images, ({ name }, inode) => {
      if (inode === undefined) return;
      const named = byName.get(name.toString('latin1')) ?? [];
      for (const number of named) pushTo(numbers, memfdKey(inode), number);
    });
    return numbers;
  } finally {
    await images.close();
  }
}
