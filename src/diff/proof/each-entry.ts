import type { BytesAt } from '../../bytes/same-bytes';
import { ImagesByName } from '../../checkpoint/explore/images-by-name';
import { FILE_ENTRY_FIELDS } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { numberIn } from '../../wire/number-in';

/** Visits the entries of files.img that have an id, each valid during the call. Throws FdgraftError. */
export async function eachEntry(
  source: Source,
  signal: AbortSignal | undefined,
  visit: (id: number, entry: BytesAt) => void,
): Promise<void> {
  const images = new ImagesByName(source, signal);
  try {
    for await (const batch of images.batches('files.img')) {
      batch.each((bytes, start, end) => {
        const entry = { bytes, start, end };
        const id = numberIn(entry, FILE_ENTRY_FIELDS.id);
        if (id !== undefined) visit(id, entry);
      });
    }
  } finally {
    await images.close();
  }
}
