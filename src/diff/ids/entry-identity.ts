import type { FileEntryView } from '../../checkpoint/file-entry';
import { type MessageShape, shapeOf } from '../../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import type { IdKind } from './id-pairs';

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

interface Row {
  readonly names?: readonly string[];
  readonly flags?: string;
  readonly number?: readonly [kind: IdKind, field: string];
}

const ROWS: { readonly [message: string]: Row | undefined } = {
  reg_file_entry: { names: ['name'], flags: 'flags' },
  pipe_entry: { flags: 'flags', number: ['pipe', 'pipe_id'] },
  fifo_entry: { number: ['pipe', 'pipe_id'] },
  inet_sk_entry: {
    names: ['family', 'type', 'proto', 'src_port', 'dst_port', 'src_addr', 'dst_addr'],
    flags: 'flags',
    number: ['socket', 'ino'],
  },
  unix_sk_entry: { names: ['name'], flags: 'flags', number: ['socket', 'ino'] },
  netlink_sk_entry: { flags: 'flags', number: ['socket', 'ino'] },
  packet_sock_entry: { flags: 'flags' },
  tty_file_entry: { flags: 'flags', number: ['terminal', 'tty_info_id'] },
  memfd_file_entry: { flags: 'flags', number: ['memfd', 'inode_id'] },
  bpfmap_file_entry: { names: ['map_name'], flags: 'flags' },
  eventfd_file_entry: { flags: 'flags' },
  signalfd_entry: { flags: 'flags' },
  timerfd_entry: { flags: 'flags' },
};

interface Fields {
  readonly names: ReadonlySet<number>;
  readonly flags: number | undefined;
  readonly number: number | undefined;
}

const NO_FIELDS: Fields = { names: new Set(), flags: undefined, number: undefined };
const FILE_ENTRY = shapeOf('file_entry');
const known = new Map<number, Fields>();

/** By the member of file_entry. */
function fieldsOf(member: number): Fields {
  const found = known.get(member);
  if (found !== undefined) return found;
  const field = FILE_ENTRY.numbered(member);
  const shape = field?.type === 'message' ? field.message : undefined;
  const row = shape && ROWS[shape.name];
  const fields = shape === undefined || row === undefined ? NO_FIELDS : numbersOf(shape, row);
  known.set(member, fields);
  return fields;
}

function numbersOf(shape: MessageShape, { names = [], flags, number }: Row): Fields {
  const numberOf = (name: string | undefined) => (name === undefined ? undefined : shape.named(name)?.number);
  return {
    names: new Set(names.flatMap((name) => numberOf(name) ?? [])),
    flags: numberOf(flags),
    number: numberOf(number?.[1]),
  };
}

/** Which ids the number of an entry is one of, by its member of file_entry. */
export function kindOfNumber(member: number): IdKind | undefined {
  const field = FILE_ENTRY.numbered(member);
  return field?.type === 'message' ? ROWS[field.message.name]?.number?.[0] : undefined;
}

const cursor = new FieldCursor();

/** Throws WireFault. */
export function identifyEntry({ type, member, bytes, start, end }: FileEntryView): EntryIdentity {
  const fields = fieldsOf(member);
  const name = new Hash().number(type).number(member);
  let isNamed = false;
  let number: number | undefined;
  let flags = 0;
  if (member !== 0) cursor.over(bytes, start, end);
  while (member !== 0 && cursor.next()) {
    if (cursor.number === fields.flags) flags = cursor.uint32();
    else if (cursor.number === fields.number) number = cursor.uint64AsNumber();
    else if (fields.names.has(cursor.number)) {
      if (cursor.valueStart < cursor.end) isNamed = true;
      name.number(cursor.number);
      name.bytes(bytes, cursor.wireType === WIRE_TYPE.BYTES ? cursor.valueStart : cursor.start, cursor.end);
    }
  }
  return { name: name.value(), thing: name.number(flags).value(), isNamed, number };
}

/** FNV-1a in two lanes: names are many and short. Where two are taken for one, their difference is told as one of names. */
class Hash {
  private low = 0x811c9dc5;
  private high = 0x01234567;

  bytes(bytes: Uint8Array, start: number, end: number): this {
    for (let at = start; at < end; at += 1) this.byte(bytes[at] as number);
    return this;
  }

  number(value: number): this {
    for (let shift = 0; shift < 32; shift += 8) this.byte((value >>> shift) & 0xff);
    return this;
  }

  /** 52 bits. */
  value(): number {
    return (this.high >>> 6) * 2 ** 26 + (this.low >>> 6);
  }

  private byte(value: number): void {
    this.low = Math.imul(this.low ^ value, 0x01000193);
    this.high = Math.imul(this.high ^ value, 0x5bd1e995) ^ (this.high >>> 15);
  }
}
