import { WireFault } from '../errors/wire-fault';
import { FDINFO_ENTRY_FIELDS } from '../schema/generated/images';
import { FieldCursor } from '../wire/field-cursor';
import { SmallVarint } from '../wire/small-varint';

/** Bit 0 of fdinfo_entry.flags: FD_CLOEXEC of fcntl(2). */
const CLOSE_ON_EXEC = 1;

const REQUIRED = ['id', 'flags', 'type', 'fd'] as const;

/** Tags of the fields as CRIU writes them: varints, one after the other. */
const TAGS = { id: 0x08, flags: 0x10, type: 0x18, fd: 0x20 };

export function isCloseOnExec(flags: number): boolean {
  return (flags & CLOSE_ON_EXEC) !== 0;
}

/** A record of a descriptor table; -1 where a field is missing. Reused from record to record, where there are millions. */
export class DescriptorView {
  /** File id. */
  id = -1;
  flags = -1;
  /** Number in CRIU's fd_types. */
  type = -1;
  fd = -1;

  private start = 0;
  private readonly cursor = new FieldCursor();
  private readonly varint = new SmallVarint();

  /** Reads the record `bytes[start, end)`. Throws WireFault. */
  read(bytes: Uint8Array, start: number, end: number): this {
    this.start = start;
    if (this.readUsual(bytes, start, end)) return this;
    this.id = -1;
    this.flags = -1;
    this.type = -1;
    this.fd = -1;
    const { id, flags, type, fd } = FDINFO_ENTRY_FIELDS;
    const cursor = this.cursor.over(bytes, start, end);
    while (cursor.next()) {
      const { number } = cursor;
      if (number === id) this.id = cursor.uint32();
      else if (number === flags) this.flags = cursor.uint32();
      else if (number === type) this.type = cursor.uint32();
      else if (number === fd) this.fd = cursor.uint32();
    }
    return this;
  }

  /** Throws WireFault where a field is missing without which CRIU does not read the record. */
  checkComplete(): this {
    if (this.id !== -1 && this.flags !== -1 && this.type !== -1 && this.fd !== -1) return this;
    for (const name of REQUIRED) {
      if (this[name] !== -1) continue;
      throw new WireFault('the required field is missing', this.start, undefined, `fdinfo_entry.${name}`);
    }
    return this;
  }

  /** Reads a record that is encoded as CRIU encodes it; false for any other. */
  private readUsual(bytes: Uint8Array, start: number, end: number): boolean {
    // Four tags, and numbers below 2^28.
    if (end - start < 8 || bytes[start] !== TAGS.id) return false;
    const number = this.varint;
    let at = number.read(bytes, start + 1);
    if (at === -1) return false;
    this.id = number.value;
    const flags = bytes[at + 1] as number;
    const type = bytes[at + 3] as number;
    if (bytes[at] !== TAGS.flags || flags > 0x7f || bytes[at + 2] !== TAGS.type || type > 0x7f) return false;
    if (bytes[at + 4] !== TAGS.fd) return false;
    this.flags = flags;
    this.type = type;
    at = number.read(bytes, at + 5);
    this.fd = number.value;
    // A number that goes on past the end, or a field that CRIU does not write there.
    return at === end;
  }
}
