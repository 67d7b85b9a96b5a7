import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { IdSet } from '../checkpoint/id-set';
import { memfdKey } from '../checkpoint/memfd-type';
import { pushTo } from '../checkpoint/push-to';
import { decode } from '../schema/decode';
import { MEMFD_INODE_ENTRY } from '../schema/generated/images';
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
  const byName = new Map<string, number[]>();
  specs.forEach(({ key }, number) => {
    if (key.kind === 'memfd') pushTo(byName, key.name, number);
  });
  if (byName.size === 0) return numbers;
  const seen = new IdSet();
  const images = new ImagesByName(source, signal);
  try {
    for await (const batch of images.batches('memfd.img')) {
      batch.each((bytes, start, end) => {
        const { name, inode_id } = decode(MEMFD_INODE_ENTRY, bytes, start, end);
        // No entry has a number past 32 bits; of several records with one number, CRIU takes the first.
        const inode = Number(inode_id);
        if (inode >= 2 ** 32 || !seen.add(inode)) return;
        const named = byName.get(name.toString('latin1')) ?? [];
        for (const number of named) pushTo(numbers, memfdKey(inode), number);
      });
    }
    return numbers;
  } finally {
    await images.close();
  }
}
