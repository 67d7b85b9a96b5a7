import type { ImageFile } from '../frames/image-kinds';
import { namesDescriptors } from './descriptor-names';
import { holdsFileIds } from './file-ids';
import { UNREAD_BYTES_OF } from './pipe-name';

/** True for images other than files.img whose records refer to its entries, by whatever: ids, numbers, pipes. */
export function refersToEntries({ kind: { name } }: ImageFile): boolean {
  return name === 'FDINFO' || UNREAD_BYTES_OF[name] !== undefined || holdsFileIds(name) || namesDescriptors(name);
}
