import { IdSet } from '../checkpoint/id-set';
import { walk } from '../checkpoint/walk/walk';
import type { Source } from '../storage/source';

/** File ids that a descriptor or an SCM right refers to, in a pass of its own. Throws FdgraftError. */
export async function readOpenIds(source: Source, signal?: AbortSignal): Promise<IdSet> {
  const ids = new IdSet();
  const events = {
    descriptor: ({ id }: { readonly id: number }) => {
      if (id !== -1) ids.add(id);
    },
    packet: (rights: readonly number[]) => {
      for (const id of rights) ids.add(id);
    },
  };
  await walk(source, [events], signal);
  return ids;
}
