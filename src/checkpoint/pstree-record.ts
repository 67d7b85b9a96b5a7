import { WireFault } from '../errors/wire-fault';
import { PSTREE_ENTRY_FIELDS } from '../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';

const { pid, ppid, pgid, sid, threads } = PSTREE_ENTRY_FIELDS;
const REQUIRED = Object.entries({ pid, ppid, pgid, sid });

/** A record of pstree.img. Reused from record to record; its threads are visited, since there can be millions of them. */
export class PstreeView {
  pid = 0;
  ppid = 0;
  pgid = 0;
  sid = 0;

  private readonly cursor = new FieldCursor();
  private readonly packed = new FieldCursor();

  /** Reads the record `bytes[start, end)`. Throws WireFault. */
  read(bytes: Uint8Array, start: number, end: number, onThread: (thread: number) => void): this {
    const cursor = this.cursor.over(bytes, start, end);
    let seen = 0;
    while (cursor.next()) {
      const { number } = cursor;
      if (number === pid) this.pid = cursor.uint32();
      else if (number === ppid) this.ppid = cursor.uint32();
      else if (number === pgid) this.pgid = cursor.uint32();
      else if (number === sid) this.sid = cursor.uint32();
      else {
        if (number === threads) this.readThreads(onThread);
        continue;
      }
      seen |= 1 << number;
    }
    for (const [name, number] of REQUIRED) {
      if ((seen & (1 << number)) !== 0) continue;
      throw new WireFault('the required field is missing', start, undefined, `pstree_entry.${name}`);
    }
    return this;
  }

  private readThreads(onThread: (thread: number) => void): void {
    const { cursor } = this;
    if (cursor.wireType !== WIRE_TYPE.BYTES) {
      onThread(cursor.uint32());
      return;
    }
    const packed = this.packed.over(cursor.bytes, cursor.valueStart, cursor.end);
    while (packed.nextPacked(WIRE_TYPE.VARINT)) onThread(packed.uint32());
  }
}
