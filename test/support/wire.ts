/** Messages as they lie on the wire, for what is to be changed in them while all else stays as it is. */
import protobuf from 'protobufjs';
import { uint32 } from './images';

export const IMG_COMMON = 0x54564319;

/** An image of these records. */
export function image(magic: number, records: readonly Uint8Array[]): Buffer {
  const framed = records.flatMap((record) => [uint32(record.length), record]);
  return Buffer.concat([uint32(IMG_COMMON), uint32(magic), ...framed]);
}

/** A number, or the bytes of a nested message. */
export type Value = number | Uint8Array;

const tag = (number: number, wireType: number) => ((number << 3) | wireType) >>> 0;

export interface Field {
  number: number;
  start: number;
  end: number;
  /** Undefined for numbers of fixed size, which no edit is about. */
  value?: Value;
}

export function fieldsOf(record: Uint8Array): Field[] {
  const reader = protobuf.Reader.create(record);
  const fields: Field[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const found = reader.uint32();
    const field: Field = { number: found >>> 3, start, end: start };
    if ((found & 7) === 0) field.value = Number(reader.uint64());
    else if ((found & 7) === 2) field.value = reader.bytes();
    else reader.skipType(found & 7);
    field.end = reader.pos;
    fields.push(field);
  }
  return fields;
}

export function encodeField(number: number, value: Value): Uint8Array {
  const writer = protobuf.Writer.create();
  if (typeof value === 'number') return writer.uint32(tag(number, 0)).uint64(value).finish();
  return writer.uint32(tag(number, 2)).bytes(value).finish();
}

export function numberIn(record: Uint8Array, number: number): number {
  return (fieldsOf(record).findLast((field) => field.number === number)?.value ?? 0) as number;
}

export function bytesIn(record: Uint8Array, number: number): Uint8Array {
  const value = fieldsOf(record).findLast((field) => field.number === number)?.value;
  if (!(value instanceof Uint8Array)) throw new Error(`a message lacks its field ${number}`);
  return value;
}

/** Gives the fields that have an edit another value, or takes them out where that gives nothing. */
export function editFields(
  record: Uint8Array,
  edits: { [number: number]: (value: Value) => Value | undefined },
): Uint8Array {
  const chunks = fieldsOf(record).map(({ number, start, end, value }) => {
    const edit = edits[number];
    if (edit === undefined) return record.subarray(start, end);
    const changed = edit(value as Value);
    return changed === undefined ? Buffer.alloc(0) : encodeField(number, changed);
  });
  return Buffer.concat(chunks);
}
