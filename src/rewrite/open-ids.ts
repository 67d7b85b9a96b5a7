import { readPathless } from '../checkpoint/describe-entry';
import type { FileEntryView } from '../checkpoint/file-entry';
import { IdSet } from '../checkpoint/id-set';
import { walk } from '../checkpoint/walk/walk';
import { FD_TYPES } from '../schema/generated/images';
import type { Source } from '../storage/source';

const TERMINALS: ReadonlySet<number> = new Set([FD_TYPES.TTY]);

/**
 * File ids that a descriptor or an SCM right refers to, and those of the paths of terminals among them, in a pass of its
 * own. Throws FdgraftError.
 */
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
  const paths: { readonly id: number; readonly pathId: number }[] = [];
  const entry = (view: FileEntryView) => {
    const pathId = readPathless(view)?.pathId;
    if (pathId !== undefined) paths.push({ id: view.id, pathId });
  };
  await walk(source, [events, { entryTypes: TERMINALS, entry }], signal);
  // Which terminals are open is known only now.
  const open = paths.filter(({ id }) => ids.has(id));
  for (const { pathId } of open) ids.add(pathId);
  return ids;
}
