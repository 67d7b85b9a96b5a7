import { readUint32 } from '../../bytes/little-endian';
import { entryTypeOfMember } from '../../checkpoint/entry-types';
import type { FileEntryView } from '../../checkpoint/file-entry';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';

/** What an entry of files.img is, but for its file id. */
export interface EntryIdentity {
  /** Hash of its type and name. */
  readonly name: number;
  /** Hash of these and its flags. */
  readonly thing: number;
  /** Whether it has a name: a path, an address. Others are only known by who has them. */
  readonly isNamed: boolean;
  /** The number that the kernel or the dump gave to what it opens, if any. */
  readonly number: number | undefined;
}

const cursor = new FieldCursor();

/** Throws WireFault. */
export function identifyEntry({ type, member, bytes, start, end }: FileEntryView): EntryIdentity {
  const known = entryTypeOfMember(member);
  const name = new Hash().number(type).number(member);
  let isNamed = false;
  let number: number | undefined;
  let flags = 0;
  if (member !== 0) cursor.over(bytes, start, end);
  while (member !== 0 && cursor.next()) {
    if (cursor.number === known?.flags) flags = cursor.uint32();
    else if (cursor.number === known?.numbered?.field) number = cursor.uint64AsNumber();
    else if (known?.names.includes(cursor.number)) {
      if (cursor.valueStart < cursor.end) isNamed = true;
      name.number(cursor.number);
      name.bytes(bytes, cursor.wireType === WIRE_TYPE.BYTES ? cursor.valueStart : cursor.start, cursor.end);
    }
  }
  return { name: name.value(), thing: name.number(flags).value(), isNamed, number };
}

/**
 * FNV-1a in two lanes, by words of four bytes: names are many and short. If two are taken for one, the
 * difference is told as one of names.
 */
class Hash {
  private low = 0x811c9dc5;
  private high = 0x01234567;

  /** The length tells where one ends and the next begins. */
  bytes(bytes: Uint8Array, start: number, end: number): this {
    let at = start;
    for (; at + 4 <= end; at += 4) this.number(readUint32(bytes, at));
    for (; at < end; at += 1) this.number(bytes[at] as number);
    return this.number(end - start);
  }

  number(value: number): this {
    const low = Math.imul(this.low ^ value, 0x01000193);
    this.low = low ^ (low >>> 15);
    this.high = Math.imul(this.high ^ value, 0x5bd1e995) ^ (this.high >>> 15);
    return this;
  }

  /** 52 bits. */
  value(): number {
    return (this.high >>> 6) * 2 ** 26 + (this.low >>> 6);
  }
}
