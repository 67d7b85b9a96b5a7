import type { Source } from '../storage/source';
import { FileEntryView } from './file-entry';
import { forEachRecord, imageOf, readBatches } from './open-image';

/** Visits every entry of files.img, in a pass of its own. The view is reused. Throws FdgraftError. */
export async function eachFileEntry(
  source: Source,
  visit: (view: FileEntryView) => void,
  signal?: AbortSignal,
): Promise<void> {
  const view = new FileEntryView();
  for await (const member of source.members()) {
    signal?.throwIfAborted();
    const image = imageOf(member);
    if (image?.kind.name !== 'FILES') continue;
    await readBatches(member, image, (batch, open) =>
      forEachRecord(batch, open.name, (bytes, start, end) => visit(view.read(bytes, start, end))),
    );
  }
}
