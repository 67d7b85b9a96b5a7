import { fileIdOf } from '../checkpoint/descriptor-record';
import { visitFileIds } from '../checkpoint/file-ids';
import { IdSet } from '../checkpoint/id-set';
import { forEachRecord, imageOf, readBatches } from '../checkpoint/open-image';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';

/** File ids that a descriptor or an SCM right refers to, in a pass of its own. Throws FdgraftError. */
export async function readOpenIds(source: Source, signal?: AbortSignal): Promise<IdSet> {
  const ids = new IdSet();
  const cursor = new FieldCursor();
  for await (const member of source.members()) {
    signal?.throwIfAborted();
    const image = imageOf(member);
    const name = image?.kind.name;
    if (image === undefined || (name !== 'FDINFO' && name !== 'SK_QUEUES')) continue;
    const visit = (bytes: Uint8Array, start: number, end: number) => {
      if (name === 'SK_QUEUES') {
        visitFileIds(name, bytes, start, end, (id, kind) => {
          if (kind === 'SCM right') ids.add(id);
        });
        return;
      }
      const id = fileIdOf(cursor, bytes, start, end);
      if (id !== -1) ids.add(id);
    };
    await readBatches(member, image, (batch, open) => forEachRecord(batch, open.name, visit));
  }
  return ids;
}
