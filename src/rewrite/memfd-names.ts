import { escapeBytes } from '../bytes/escape';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import type { IdSet } from '../checkpoint/id-set';
import { decode } from '../schema/decode';
import { MEMFD_INODE_ENTRY } from '../schema/generated/images';
import type { Source } from '../storage/source';

/** The names of those memfds that memfd.img numbers so: their bytes, one by one. Throws FdgraftError. */
export async function eachMemfdName(
  source: Source,
  inodes: IdSet,
  see: (name: Buffer) => void,
  signal?: AbortSignal,
): Promise<void> {
  const images = new ImagesByName(source, signal);
  try {
    for await (const batch of images.batches('memfd.img')) {
      batch.each((bytes, start, end) => {
        const { name, inode_id } = decode(MEMFD_INODE_ENTRY, bytes, start, end);
        if (inodes.has(Number(inode_id))) see(name);
      });
    }
  } finally {
    await images.close();
  }
}

/** The key of the memfd with this name. */
export function memfdNameKey(name: Buffer): string {
  return `/memfd:${escapeBytes(name)}`;
}
