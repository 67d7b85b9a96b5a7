import type { ImagesByName } from '../checkpoint/explore/images-by-name';
import { IdSet } from '../checkpoint/id-set';
import { decode } from '../schema/decode';
import { MEMFD_INODE_ENTRY, type MemfdInodeEntry } from '../schema/generated/images';

/**
 * Visits the records of memfd.img. `inode`: the number by which entries of files.img name the memfd; undefined if none
 * does, since it is past 32 bits or an earlier record has it, which CRIU takes. Throws FdgraftError.
 */
export async function eachMemfd(
  images: ImagesByName,
  see: (memfd: MemfdInodeEntry, inode: number | undefined, record: number) => void,
): Promise<void> {
  const seen = new IdSet();
  for await (const batch of images.batches('memfd.img')) {
    batch.each((bytes, start, end, record) => {
      const memfd = decode(MEMFD_INODE_ENTRY, bytes, start, end);
      const inode = Number(memfd.inode_id);
      see(memfd, inode < 2 ** 32 && seen.add(inode) ? inode : undefined, record);
    });
  }
}
