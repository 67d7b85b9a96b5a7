import { memfdKey } from '../checkpoint/memfd-type';
import { decodeAll, imageOf } from '../checkpoint/open-image';
import { pushTo } from '../checkpoint/push-to';
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
): Promise<ReadonlyMap<string, readonly number[]>> {
  const numbers = new Map<string, number[]>();
  const byName = new Map<string, number[]>();
  specs.forEach(({ key }, number) => {
    if (key.kind === 'memfd') pushTo(byName, key.name, number);
  });
  if (byName.size === 0) return numbers;
  const members = source.byName();
  try {
    const member = await members.member('memfd.img');
    const image = member && imageOf(member);
    if (member === undefined || image === undefined) return numbers;
    for (const { name, inode_id } of await decodeAll(member, image, MEMFD_INODE_ENTRY)) {
      for (const number of byName.get(name.toString('latin1')) ?? [])
        pushTo(numbers, memfdKey(Number(inode_id)), number);
    }
    return numbers;
  } finally {
    await members.close();
  }
}
