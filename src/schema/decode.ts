import { pushTo } from '../bytes/groups';
import { WireFault } from '../errors/wire-fault';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { type FieldSchema, MAX_DEPTH, type MessageField, type MessageSchema, type PlainType } from './message';

type Decoded = Record<string, unknown>;

/**
 * Decodes the record `bytes[start, end)`. Strings and bytes come as Buffers (copies), 64-bit integers as
 * bigint, enums as numbers; fields that the schema does not know are passed over. Throws WireFault with
 * the field's name, also for a required field that is missing and for a wire type that does not fit,
 * which CRIU refuses too.
 */
export function decode<T>(schema: MessageSchema<T>, bytes: Uint8Array, start: number, end: number): T {
  return decodeMessage(schema, bytes, start, end, 0, copyOf) as T;
}

/**
 * The same, with strings and bytes in place: they are valid as long as `bytes` is. For those who look at them at once: a
 * name can have 64 MiB.
 */
export function decodeInPlace<T>(schema: MessageSchema<T>, bytes: Uint8Array, start: number, end: number): T {
  return decodeMessage(schema, bytes, start, end, 0, viewOf) as T;
}

/** Makes the value of a string or of bytes. */
type ToBuffer = (payload: Uint8Array) => Buffer;

const copyOf: ToBuffer = (payload) => Buffer.from(payload);
const viewOf: ToBuffer = ({ buffer, byteOffset, length }) => Buffer.from(buffer, byteOffset, length);

function decodeMessage(
  schema: MessageSchema<unknown>,
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  toBuffer: ToBuffer,
): Decoded {
  if (depth > MAX_DEPTH) throw new WireFault(`messages are nested deeper than ${MAX_DEPTH}`, start);
  const { byNumber, required, repeated } = indexOf(schema);
  const decoded: Decoded = {};
  let embedded: Embedded[] | undefined;
  for (const { name } of repeated) decoded[name] = [];
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) {
    const field = byNumber.get(cursor.number);
    if (field === undefined) continue;
    try {
      if (field.label === 'repeated') decodeRepeated(field, cursor, decoded[field.name] as unknown[], depth, toBuffer);
      else if (field.type === 'message') {
        embedded ??= [];
        embedded.push(embeddedAt(field, cursor));
      } else decoded[field.name] = decodeValue(field.type, cursor, toBuffer);
    } catch (error) {
      throw error instanceof WireFault ? error.inField(`${schema.name}.${field.name}`) : error;
    }
  }
  if (embedded !== undefined) {
    for (const all of byField(embedded)) decoded[all[0].field.name] = decodeEmbedded(all, bytes, depth, toBuffer);
  }
  for (const { name } of required) {
    if (decoded[name] === undefined) {
      throw new WireFault('the required field is missing', start, undefined, `${schema.name}.${name}`);
    }
  }
  return decoded;
}

/** The fields of a message, for millions of look-ups. */
interface FieldIndex {
  readonly byNumber: ReadonlyMap<number, FieldSchema>;
  readonly required: readonly FieldSchema[];
  readonly repeated: readonly FieldSchema[];
}

const indexes = new Map<MessageSchema<unknown>, FieldIndex>();

function indexOf(schema: MessageSchema<unknown>): FieldIndex {
  let index = indexes.get(schema);
  if (index === undefined) {
    const { fields } = schema;
    index = {
      byNumber: new Map(fields.map((field) => [field.number, field])),
      required: fields.filter(({ label }) => label === 'required'),
      repeated: fields.filter(({ label }) => label === 'repeated'),
    };
    indexes.set(schema, index);
  }
  return index;
}

/** An embedded message `bytes[start, end)`. */
interface Embedded {
  readonly field: MessageField;
  readonly start: number;
  readonly end: number;
}

function embeddedAt(field: MessageField, cursor: FieldCursor): Embedded {
  cursor.expect(WIRE_TYPE.BYTES);
  return { field, start: cursor.valueStart, end: cursor.end };
}

/** All occurrences of one field. */
type Occurrences = [Embedded, ...Embedded[]];

/** Most messages have one embedded message at most, which needs no map. */
function byField(embedded: Embedded[]): Iterable<Occurrences> {
  if (embedded.length === 1) return [embedded as Occurrences];
  const groups = new Map<MessageField, Occurrences>();
  for (const one of embedded) pushTo(groups, one.field, one);
  return groups.values();
}

/** Several occurrences of one embedded message mean what their bytes in a row mean. */
function decodeEmbedded(all: Occurrences, bytes: Uint8Array, depth: number, toBuffer: ToBuffer): Decoded {
  const [first] = all;
  const schema = first.field.message();
  if (all.length === 1) return decodeMessage(schema, bytes, first.start, first.end, depth + 1, toBuffer);
  const joined = Buffer.concat(all.map(({ start, end }) => bytes.subarray(start, end)));
  try {
    return decodeMessage(schema, joined, 0, joined.length, depth + 1, toBuffer);
  } catch (error) {
    throw error instanceof WireFault ? new WireFault(error.message, first.start, error.needs, error.field) : error;
  }
}

function decodeRepeated(
  field: FieldSchema,
  cursor: FieldCursor,
  values: unknown[],
  depth: number,
  toBuffer: ToBuffer,
): void {
  if (field.type === 'message') {
    cursor.expect(WIRE_TYPE.BYTES);
    values.push(decodeMessage(field.message(), cursor.bytes, cursor.valueStart, cursor.end, depth + 1, toBuffer));
  } else if (cursor.wireType === WIRE_TYPE.BYTES && isPackable(field.type)) {
    const packed = new FieldCursor().over(cursor.bytes, cursor.valueStart, cursor.end);
    while (packed.nextPacked(wireTypeOf(field.type))) values.push(decodeValue(field.type, packed, toBuffer));
  } else {
    values.push(decodeValue(field.type, cursor, toBuffer));
  }
}

function isPackable(type: PlainType): boolean {
  return type !== 'string' && type !== 'bytes';
}

function wireTypeOf(type: PlainType): number {
  if (type === 'fixed32') return WIRE_TYPE.FIXED32;
  if (type === 'fixed64') return WIRE_TYPE.FIXED64;
  return WIRE_TYPE.VARINT;
}

function decodeValue(type: PlainType, cursor: FieldCursor, toBuffer: ToBuffer): unknown {
  switch (type) {
    case 'uint32':
      return cursor.uint32();
    case 'int32':
    case 'enum':
      return cursor.uint32() | 0;
    case 'sint32':
      return (cursor.uint32() >>> 1) ^ -(cursor.uint32() & 1);
    case 'uint64':
      return cursor.uint64();
    case 'int64':
      return BigInt.asIntN(64, cursor.uint64());
    case 'sint64':
      return (cursor.uint64() >> 1n) ^ -(cursor.uint64() & 1n);
    case 'fixed32':
      return cursor.fixed32();
    case 'fixed64':
      return cursor.fixed64();
    case 'bool':
      return cursor.uint64() !== 0n;
    case 'string':
    case 'bytes':
      return toBuffer(cursor.payload());
  }
}
