import { WireFault } from '../errors/wire-fault';
import type { ImageKind } from '../frames/image-kinds';
import { FD_TYPES, FILE_ENTRY_FIELDS, REG_FILE_ENTRY_FIELDS } from '../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { SmallVarint } from '../wire/small-varint';
import { memberOfType } from './entry-types';

/** The type of all entries in such an image; undefined for any other image. */
export function typeOfImage({ entries }: ImageKind): number | undefined {
  return entries === undefined ? undefined : FD_TYPES[entries as keyof typeof FD_TYPES];
}

/** Tags of the fields that CRIU writes first: varints. */
const TAGS = { type: 0x08, id: 0x10 };

/** Each message of a per-type image has its id there, as reg_file_entry has. */
const ID_FIELD = REG_FILE_ENTRY_FIELDS.id;

const NO_BYTES = new Uint8Array(0);

/** One entry of files.img: its type, its id, and where its member lies. Reused from entry to entry. */
export class FileEntryView {
  type = 0;
  id = 0;
  /** Field number of the member that belongs to the type; 0 where it is missing or the type unknown. */
  member = 0;
  /** The member's bytes: `bytes[start, end)`. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;

  private readonly cursor = new FieldCursor();
  private readonly varint = new SmallVarint();

  /** Reads the record `bytes[start, end)`. Throws WireFault. */
  read(bytes: Uint8Array, start: number, end: number): this {
    if (!this.readUsual(bytes, start, end)) this.readAny(bytes, start, end);
    return this;
  }

  /** Reads a record that is encoded as CRIU encodes it: type, id, member. False for any other. */
  private readUsual(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < 6 || bytes[start] !== TAGS.type || bytes[start + 2] !== TAGS.id) return false;
    const type = bytes[start + 1] as number;
    const number = this.varint;
    let at = number.read(bytes, start + 3);
    if (at === -1) return false;
    const id = number.value;
    // Of members past number 15 the tag has two bytes.
    const low = bytes[at] as number;
    const high = low > 0x7f ? (bytes[at + 1] as number) : 0;
    if ((low & 7) !== WIRE_TYPE.BYTES) return false;
    at = number.read(bytes, at + (low > 0x7f ? 2 : 1));
    if (at === -1) return false;
    const member = ((low & 0x7f) >>> 3) | (high << 4);
    // A type or a member of more bytes is none that there is.
    if (at + number.value !== end || member !== memberOfType(type)) return false;
    this.type = type;
    this.id = id;
    this.member = member;
    this.bytes = bytes;
    this.start = at;
    this.end = end;
    return true;
  }

  private readAny(bytes: Uint8Array, start: number, end: number): void {
    const cursor = this.cursor.over(bytes, start, end);
    let type = -1;
    let id = -1;
    let members = 0;
    this.member = 0;
    this.bytes = bytes;
    while (cursor.next()) {
      if (cursor.number === FILE_ENTRY_FIELDS.type) type = cursor.uint32();
      else if (cursor.number === FILE_ENTRY_FIELDS.id) id = cursor.uint32();
      else if (cursor.wireType === WIRE_TYPE.BYTES) {
        members += 1;
        this.member = cursor.number;
        this.start = cursor.valueStart;
        this.end = cursor.end;
      }
    }
    if (type === -1) throw new WireFault('the required field is missing', start, undefined, 'file_entry.type');
    if (id === -1) throw new WireFault('the required field is missing', start, undefined, 'file_entry.id');
    this.type = type;
    this.id = id;
    const wanted = memberOfType(type) ?? 0;
    if (members > 1) this.pick(wanted, bytes, start, end);
    else if (this.member !== wanted) this.member = 0;
  }

  /** Reads the record of an image that holds the entries of one type alone. Throws WireFault. */
  readBare(type: number, bytes: Uint8Array, start: number, end: number): this {
    const cursor = this.cursor.over(bytes, start, end);
    let id = -1;
    while (cursor.next()) if (cursor.number === ID_FIELD) id = cursor.uint32();
    if (id === -1) throw new WireFault('the required field is missing', start, undefined, 'id');
    this.type = type;
    this.id = id;
    this.member = memberOfType(type) ?? 0;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this;
  }

  /** Finds the member among others. One that is there several times means what its parts mean in a row. */
  private pick(wanted: number, bytes: Uint8Array, start: number, end: number): void {
    const parts: Uint8Array[] = [];
    const cursor = this.cursor.over(bytes, start, end);
    while (cursor.next()) {
      if (cursor.number !== wanted) continue;
      parts.push(cursor.payload());
      this.start = cursor.valueStart;
      this.end = cursor.end;
    }
    this.member = parts.length === 0 ? 0 : wanted;
    if (parts.length < 2) return;
    this.bytes = Buffer.concat(parts);
    this.start = 0;
    this.end = this.bytes.length;
  }
}
