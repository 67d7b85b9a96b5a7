import { WireFault } from '../errors/wire-fault';
import { FDINFO_ENTRY_FIELDS } from '../schema/generated/images';
import { FieldCursor } from '../wire/field-cursor';

/** Bit 0 of fdinfo_entry.flags: FD_CLOEXEC of fcntl(2). */
const CLOSE_ON_EXEC = 1;

const { id, flags, type, fd } = FDINFO_ENTRY_FIELDS;
const REQUIRED = Object.entries({ id, flags, type, fd });

export function isCloseOnExec(flags: number): boolean {
  return (flags & CLOSE_ON_EXEC) !== 0;
}

/** The file id in the record of a descriptor table, nothing else of it being read; -1 where there is none. Throws WireFault. */
export function fileIdOf(cursor: FieldCursor, bytes: Uint8Array, start: number, end: number): number {
  let id = -1;
  cursor.over(bytes, start, end);
  while (cursor.next()) if (cursor.number === FDINFO_ENTRY_FIELDS.id) id = cursor.uint32();
  return id;
}

/** The file id and the number in the record of a descriptor table; -1 where one is missing. Reused from record to record. */
export class DescriptorGlance {
  id = -1;
  fd = -1;

  private readonly cursor = new FieldCursor();

  /** Reads the record `bytes[start, end)`. Throws WireFault. */
  read(bytes: Uint8Array, start: number, end: number): this {
    this.id = -1;
    this.fd = -1;
    const cursor = this.cursor.over(bytes, start, end);
    while (cursor.next()) {
      if (cursor.number === FDINFO_ENTRY_FIELDS.id) this.id = cursor.uint32();
      else if (cursor.number === FDINFO_ENTRY_FIELDS.fd) this.fd = cursor.uint32();
    }
    return this;
  }
}

/** A record of a descriptor table. Reused from record to record, where there are millions. */
export class DescriptorView {
  id = 0;
  flags = 0;
  /** Number in CRIU's fd_types. */
  type = 0;
  fd = 0;

  private readonly cursor = new FieldCursor();

  /** Reads the record `bytes[start, end)`. Throws WireFault. */
  read(bytes: Uint8Array, start: number, end: number): this {
    const cursor = this.cursor.over(bytes, start, end);
    let seen = 0;
    while (cursor.next()) {
      const { number } = cursor;
      if (number === FDINFO_ENTRY_FIELDS.id) this.id = cursor.uint32();
      else if (number === FDINFO_ENTRY_FIELDS.flags) this.flags = cursor.uint32();
      else if (number === FDINFO_ENTRY_FIELDS.type) this.type = cursor.uint32();
      else if (number === FDINFO_ENTRY_FIELDS.fd) this.fd = cursor.uint32();
      else continue;
      seen |= 1 << number;
    }
    for (const [name, number] of REQUIRED) {
      if ((seen & (1 << number)) !== 0) continue;
      throw new WireFault('the required field is missing', start, undefined, `fdinfo_entry.${name}`);
    }
    return this;
  }
}
