import { decode } from '../schema/decode';
import {
  FD_TYPES,
  FILE_ENTRY_FIELDS,
  UNIX_SK_ENTRY,
  UNIX_SK_ENTRY_FIELDS,
  type UnixSkEntry,
} from '../schema/generated/images';
import { FieldCursor } from '../wire/field-cursor';
import type { FileEntryView } from './file-entry';
import { IdSet } from './id-set';

/** Decodes a unix socket; undefined for any other entry. Throws WireFault. */
export function unixSocketOf({ type, member, bytes, start, end }: FileEntryView): UnixSkEntry | undefined {
  if (type !== FD_TYPES.UNIXSK || member !== FILE_ENTRY_FIELDS.usk) return undefined;
  return decode(UNIX_SK_ENTRY, bytes, start, end);
}

/** Of uflags, USK_EXTERN: CRIU writes such an entry for a peer outside of the tree. */
export const OUTER = 1;

/** True for the entry of a peer outside of the tree. */
export function isOuter({ uflags }: UnixSkEntry): boolean {
  return (uflags & OUTER) !== 0;
}

/** Tells the unix sockets of the tree from their peers outside, when all have been seen. */
export class UnixSockets {
  /** By inode. */
  private readonly inner = new IdSet();
  private readonly cursor = new FieldCursor();

  /** To be called with every entry of files.img. Throws WireFault. */
  see({ type, member, bytes, start, end }: FileEntryView): void {
    if (type !== FD_TYPES.UNIXSK || member !== FILE_ENTRY_FIELDS.usk) return;
    const cursor = this.cursor.over(bytes, start, end);
    let [ino, uflags] = [0, 0];
    while (cursor.next()) {
      if (cursor.number === UNIX_SK_ENTRY_FIELDS.ino) ino = cursor.uint32();
      else if (cursor.number === UNIX_SK_ENTRY_FIELDS.uflags) uflags = cursor.uint32();
    }
    if ((uflags & OUTER) === 0) this.inner.add(ino);
  }

  /** True for a socket that is connected to one outside. */
  hasOuterPeer({ peer }: Pick<UnixSkEntry, 'peer'>): boolean {
    return peer !== 0 && !this.inner.has(peer);
  }
}
