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

/** SOCK_STREAM and SOCK_SEQPACKET: CRIU hangs on a datagram socket from the caller (tried). */
const CONNECTED_TYPES: readonly number[] = [1, 5];

/** Decodes a unix socket; undefined for any other entry. Throws WireFault. */
export function unixSocketOf({ type, member, bytes, start, end }: FileEntryView): UnixSkEntry | undefined {
  if (type !== FD_TYPES.UNIXSK || member !== FILE_ENTRY_FIELDS.usk) return undefined;
  return decode(UNIX_SK_ENTRY, bytes, start, end);
}

/** USK_EXTERN: CRIU writes such an entry for a peer outside of the tree. */
const OUTER = 1;

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
  hasOuterPeer({ peer }: UnixSkEntry): boolean {
    return peer !== 0 && !this.inner.has(peer);
  }

  /** The key by which CRIU's own --inherit-fd takes a socket whose peer is outside; undefined where it takes it not. */
  criuKeyOf(socket: UnixSkEntry): string | undefined {
    return this.hasOuterPeer(socket) && CONNECTED_TYPES.includes(socket.type) ? `socket:[${socket.ino}]` : undefined;
  }
}
