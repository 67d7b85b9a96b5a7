/**
 * Messages of any content for every schema, and their bytes: as an encoder writes them, and in the other ways that mean
 * the same. Shares no code with src/.
 */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { messageType } from './images';

/** A string is its bytes, which need not be text. */
export type Value = bigint | boolean | Buffer | Message | Value[];
export interface Message {
  [field: string]: Value;
}

/** Numbers that come at random, the same for the same seed. */
export class Random {
  constructor(private state: number) {}

  /** A whole number below `limit`. */
  below(limit: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.below(256)));
  }
}

export const seeds = fc.integer();

const RANGES: { readonly [type: string]: readonly [least: bigint, most: bigint] } = {
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const EDGES = [2n ** 53n, 2n ** 53n + 1n, 2n ** 32n, 2n ** 31n, 127n, 128n, 16383n, 16384n];

function integers(type: string): fc.Arbitrary<bigint> {
  const [least, most] = RANGES[type] as readonly [bigint, bigint];
  const edges = EDGES.flatMap((edge) => [edge, -edge]).filter((edge) => edge >= least && edge <= most);
  return fc.oneof(
    fc.bigInt({ min: least < -9n ? -9n : least, max: 300n }),
    fc.constantFrom(least, most, most - 1n, ...edges),
    fc.bigInt({ min: least, max: most }),
  );
}

const enumNumbers = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 24 }) },
  fc.constantFrom(-1, 65534, 65535, 2 ** 31 - 1, -(2 ** 31)),
);

/** Chunks that JSON, quoted-printable or the escapes of bytes could trip over. */
const chunks = [
  'a',
  '/x',
  '"',
  '\\',
  '\\x',
  '\\x41',
  '\\u0041',
  '\u0000',
  '\n',
  '\t',
  '\u001f',
  '\u007f',
  ' ',
  '=',
  '.',
];
const unicode = ['é', '\u0080', '\u2028', '\ufeff', '\ufffd', '\uffff', '\u{1f600}', '\u{10ffff}', '{', '}', ',', '/'];
const texts = fc
  .array(fc.oneof(fc.constantFrom(...chunks, ...unicode), fc.string({ unit: 'binary', maxLength: 6 })), {
    maxLength: 6,
  })
  .map((parts) => Buffer.from(parts.join(''), 'utf8'));
const notTexts = fc
  .array(fc.oneof(fc.constantFrom('\xff', '\xc3', '\xed\xa0\x80', '\xf0\x9f', '\\x', '/a', '\xc0\x80'), fc.string()), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));
const blobs = fc.oneof(
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  fc.integer({ min: 50, max: 120 }).map((length) => Buffer.alloc(length, 0xa5)),
);
const nameParts = ['\n', '.', '=', ' ', '\t', '\0', 'abc', '.\n', ' \n', '=\n', '\x7f', 'é', '~', '/run/s'];
const namesOf = (parts: string[]) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...parts),
        fc.integer({ min: 60, max: 90 }).map((length) => 'y'.repeat(length)),
      ),
      {
        maxLength: 9,
      },
    )
    .map((found) => Buffer.from(found.join(''), 'latin1'));
/** Names that quoted-printable says, and names with line ends that it mixes up. */
const plainNames = namesOf(nameParts);
const anyNames = fc.oneof(namesOf([...nameParts, '\r', '\r\n', '\n\r', '\r\r\n', '.\r\n', ' \r']), blobs);

/** What a message may have in it. */
export interface Contents {
  /** Also strings that are no text, and names that JSON does not say. */
  readonly anyBytes: boolean;
}

const MAX_DEPTH = 5;
const known = new Map<string, fc.Arbitrary<Message>>();

/** Messages of a type. */
export function messagesOf(type: string, contents: Contents, depth = 0): fc.Arbitrary<Message> {
  const key = `${type} ${contents.anyBytes} ${depth}`;
  const made = known.get(key);
  if (made !== undefined) return made;
  const fields = fieldsByNumber(messageType(type)).filter(
    (field) => depth < MAX_DEPTH || field.required || !(field.resolvedType instanceof protobuf.Type),
  );
  const arbitrary = fc.record(
    Object.fromEntries(fields.map((field) => [field.name, valuesOf(field, contents, depth)])),
    { requiredKeys: fields.filter(({ required }) => required).map(({ name }) => name) },
  ) as fc.Arbitrary<Message>;
  known.set(key, arbitrary);
  return arbitrary;
}

export function fieldsByNumber(type: protobuf.Type): protobuf.Field[] {
  return [...type.fieldsArray].map((field) => field.resolve()).sort((a, b) => a.id - b.id);
}

export const isName = (field: protobuf.Field) => field.options?.['(criu).conv'] === 'unix_name';

function valuesOf(field: protobuf.Field, contents: Contents, depth: number): fc.Arbitrary<Value> {
  const one = singleValues(field, contents, depth);
  return field.repeated ? (fc.array(one, { minLength: 1, maxLength: 4 }) as fc.Arbitrary<Value>) : one;
}

function singleValues(field: protobuf.Field, contents: Contents, depth: number): fc.Arbitrary<Value> {
  if (field.resolvedType instanceof protobuf.Type) return messagesOf(field.resolvedType.name, contents, depth + 1);
  if (field.resolvedType instanceof protobuf.Enum) return enumNumbers.map(BigInt);
  if (field.type === 'bool') return fc.boolean();
  if (isName(field)) return contents.anyBytes ? anyNames : plainNames;
  if (field.type === 'bytes') return blobs;
  if (field.type === 'string') return contents.anyBytes ? fc.oneof({ weight: 3, arbitrary: texts }, notTexts) : texts;
  return integers(field.type);
}

/** The bytes of a message as an encoder writes them. */
export function encode(type: string, message: Message): Buffer {
  return Buffer.concat(
    fieldsByNumber(messageType(type)).flatMap((field) => {
      const value = message[field.name];
      if (value === undefined) return [];
      const values = field.repeated ? (value as Value[]) : [value];
      if (!field.packed) return values.map((each) => tagged(field, each));
      return values.length === 0
        ? []
        : [lengthDelimited(field.id, Buffer.concat(values.map((each) => bare(field, each))))];
    }),
  );
}

function tagged(field: protobuf.Field, value: Value): Buffer {
  const type = wireTypeOf(field);
  const bytes = bare(field, value);
  return type === 2 ? lengthDelimited(field.id, bytes) : Buffer.concat([tag(field.id, type), bytes]);
}

function lengthDelimited(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([tag(number, 2), varint(BigInt(bytes.length)), bytes]);
}

const tag = (number: number, type: number, padding = 0) => varint(BigInt(number) * 8n + BigInt(type), padding);

export function wireTypeOf({ type, resolvedType }: protobuf.Field): number {
  if (resolvedType instanceof protobuf.Type || type === 'string' || type === 'bytes') return 2;
  return type === 'fixed32' ? 5 : type === 'fixed64' ? 1 : 0;
}

/** A value without its tag and length. */
function bare(field: protobuf.Field, value: Value): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (field.resolvedType instanceof protobuf.Type) return encode(field.resolvedType.name, value as Message);
  if (field.type === 'fixed32' || field.type === 'fixed64') return fixed(field.type, value as bigint);
  return varint(numberOf(field, value as bigint | boolean));
}

function fixed(type: string, value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return type === 'fixed64' ? bytes : bytes.subarray(0, 4);
}

function numberOf({ type }: protobuf.Field, value: bigint | boolean): bigint {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (type.startsWith('sint')) return value >= 0n ? 2n * value : -2n * value - 1n;
  return BigInt.asUintN(64, value);
}

/** A varint with `padding` bytes more than it needs, as far as there is room. */
export function varint(value: bigint, padding = 0): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0n || bytes.length === 0; rest >>= 7n) bytes.push(Number(rest & 127n));
  for (let i = 0; i < padding && bytes.length < 10; i += 1) bytes.push(0);
  return Buffer.from(bytes.map((byte, i) => (i < bytes.length - 1 ? byte | 128 : byte)));
}

/** Bytes that mean the same to a decoder, in a way that no encoder has. */
export function encodeOddly(type: string, message: Message, random: Random): Buffer {
  const rows = fieldsByNumber(messageType(type)).flatMap((field) => {
    const value = message[field.name];
    return value === undefined ? [] : [occurrences(field, value, random)];
  });
  if (random.chance(30)) rows.push([unknownField(type, random)]);
  const chunks: Buffer[] = [];
  const mixes = random.chance(40);
  for (let left = rows.filter((row) => row.length > 0); left.length > 0; left = left.filter((row) => row.length > 0)) {
    const row = left[mixes ? random.below(left.length) : 0] as Buffer[];
    chunks.push(row.shift() as Buffer);
  }
  return Buffer.concat(chunks);
}

function occurrences(field: protobuf.Field, value: Value, random: Random): Buffer[] {
  if (field.repeated) return repeatedOccurrences(field, value as Value[], random);
  if (!(field.resolvedType instanceof protobuf.Type)) {
    const earlier = random.chance(15) ? [oddlyTagged(field, otherValue(field, random), random)] : [];
    return [...earlier, oddlyTagged(field, value, random)];
  }
  if (!random.chance(25)) return [oddlyTagged(field, value, random)];
  return split(field.resolvedType, value as Message, random).map((part) => oddlyTagged(field, part, random));
}

/** Two messages that merge into this one. */
function split(type: protobuf.Type, message: Message, random: Random): Message[] {
  const [first, second]: [Message, Message] = [{}, {}];
  for (const { name, repeated } of fieldsByNumber(type)) {
    const value = message[name];
    if (value === undefined) continue;
    if (repeated) {
      const at = random.below((value as Value[]).length + 1);
      first[name] = (value as Value[]).slice(0, at);
      second[name] = (value as Value[]).slice(at);
    } else (random.chance(50) ? first : second)[name] = value;
  }
  return [first, second];
}

function repeatedOccurrences(field: protobuf.Field, values: Value[], random: Random): Buffer[] {
  if (wireTypeOf(field) === 2) return values.map((value) => oddlyTagged(field, value, random));
  const found: Buffer[] = [];
  for (let at = 0; at < values.length; ) {
    if (random.chance(field.packed ? 70 : 20)) {
      const count = random.below(values.length - at + 1);
      const packed = Buffer.concat(values.slice(at, at + count).map((value) => oddlyBare(field, value, random)));
      found.push(withLength(field.id, packed, random));
      at += count;
    } else {
      found.push(oddlyTagged(field, values[at] as Value, random));
      at += 1;
    }
  }
  return found;
}

function otherValue(field: protobuf.Field, random: Random): Value {
  if (field.type === 'bool') return random.chance(50);
  return wireTypeOf(field) === 2 ? Buffer.from('other') : BigInt(random.below(1000));
}

function oddlyTagged(field: protobuf.Field, value: Value, random: Random): Buffer {
  const bytes = oddlyBare(field, value, random);
  const type = wireTypeOf(field);
  if (type === 2) return withLength(field.id, bytes, random);
  return Buffer.concat([tag(field.id, type, paddingAtRandom(random)), bytes]);
}

const paddingAtRandom = (random: Random) => (random.chance(4) ? 1 + random.below(5) : 0);

function withLength(number: number, bytes: Buffer, random: Random): Buffer {
  const length = varint(BigInt(bytes.length), paddingAtRandom(random));
  return Buffer.concat([tag(number, 2, paddingAtRandom(random)), length, bytes]);
}

function oddlyBare(field: protobuf.Field, value: Value, random: Random): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (field.resolvedType instanceof protobuf.Type)
    return encodeOddly(field.resolvedType.name, value as Message, random);
  if (field.type === 'fixed32' || field.type === 'fixed64') return fixed(field.type, value as bigint);
  let number = numberOf(field, value as bigint | boolean);
  if (value === true && random.chance(20)) number = [2n, 128n, 2n ** 32n, 2n ** 63n][random.below(4)] as bigint;
  const isShort = field.type.endsWith('32') || field.resolvedType instanceof protobuf.Enum;
  // Only the low 32 bits count.
  if (isShort && random.chance(10)) number = BigInt.asUintN(32, number) + BigInt(random.below(4)) * 2n ** 32n;
  const bytes = varint(number, paddingAtRandom(random));
  // Of the tenth byte one bit counts.
  if (bytes.length === 10 && random.chance(10)) bytes.writeUInt8((bytes[9] as number) | 0x12, 9);
  return bytes;
}

/** A field that the message does not have. */
export function unknownField(type: string, random: Random): Buffer {
  const { fieldsById } = messageType(type);
  const candidates = [1, 2, 5, 17, 127, 2047, 2048, 19999, 2 ** 29 - 1].filter(
    (number) => fieldsById[number] === undefined,
  );
  const number = candidates[random.below(candidates.length)] as number;
  switch (random.below(4)) {
    case 0:
      return Buffer.concat([tag(number, 0), varint(BigInt(random.below(2 ** 31)), paddingAtRandom(random))]);
    case 1:
      return Buffer.concat([tag(number, 1), random.bytes(8)]);
    case 2:
      return Buffer.concat([tag(number, 5), random.bytes(4)]);
    default:
      return lengthDelimited(number, random.bytes(random.below(20)));
  }
}

/** A field as it lies on the wire, tag included. */
export interface WireField {
  readonly number: number;
  readonly type: number;
  readonly bytes: Buffer;
  /** A number as a varint has it, or what lies in the field. */
  readonly value: bigint | Buffer;
}

/** The fields of a message in their order. */
export function wireFields(bytes: Buffer): WireField[] {
  const fields: WireField[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const key = varintAt(bytes, at);
    at = key.end;
    const [number, type] = [Number(key.value >> 3n), Number(key.value & 7n)];
    let value: bigint | Buffer;
    if (type === 0) {
      ({ value, end: at } = varintAt(bytes, at));
    } else {
      const length = type === 2 ? varintAt(bytes, at) : { value: type === 1 ? 8n : 4n, end: at };
      at = length.end + Number(length.value);
      value = bytes.subarray(length.end, at);
    }
    fields.push({ number, type, bytes: bytes.subarray(start, at), value });
  }
  return fields;
}

function varintAt(bytes: Buffer, start: number): { value: bigint; end: number } {
  let value = 0n;
  for (let at = start; ; at += 1) {
    const byte = BigInt(bytes[at] as number);
    value |= (byte & 127n) << BigInt(7 * (at - start));
    if (byte < 128n) return { value: BigInt.asUintN(64, value), end: at + 1 };
  }
}

/** What a message means: the last of several values, embedded messages merged, packed or not, no unknown fields. */
export function read(type: string, bytes: Buffer): Message {
  const message: Message = {};
  const fields = wireFields(bytes);
  for (const field of fieldsByNumber(messageType(type))) {
    const found = fields.filter(({ number }) => number === field.id);
    if (found.length === 0) continue;
    const inner = field.resolvedType instanceof protobuf.Type ? field.resolvedType.name : undefined;
    if (field.repeated) {
      const values = found.flatMap((each) => valuesIn(field, each));
      message[field.name] = inner === undefined ? values : values.map((value) => read(inner, value as Buffer));
    } else if (inner !== undefined) {
      message[field.name] = read(inner, Buffer.concat(found.map(({ value }) => value as Buffer)));
    } else message[field.name] = (valuesIn(field, found.at(-1) as WireField) as Value[])[0] as Value;
  }
  return message;
}

function valuesIn(field: protobuf.Field, { type, value }: WireField): Value[] {
  const own = wireTypeOf(field);
  if (own === 2) return [value as Buffer];
  if (type !== 2) return [meaningOf(field, value)];
  const packed = value as Buffer;
  const values: Value[] = [];
  for (let at = 0; at < packed.length; ) {
    const next = own === 0 ? varintAt(packed, at) : { value: packed.subarray(at, at + 8), end: at + 8 };
    values.push(meaningOf(field, next.value));
    at = next.end;
  }
  return values;
}

function meaningOf({ type, resolvedType }: protobuf.Field, value: bigint | Buffer): Value {
  if (Buffer.isBuffer(value)) return type === 'fixed64' ? value.readBigUInt64LE() : BigInt(value.readUInt32LE());
  if (type === 'bool') return value !== 0n;
  if (type === 'uint64') return value;
  if (type === 'uint32') return BigInt.asUintN(32, value);
  if (type.startsWith('sint')) {
    const bits = type === 'sint32' ? BigInt.asUintN(32, value) : value;
    return (bits >> 1n) ^ -(bits & 1n);
  }
  return BigInt.asIntN(type === 'int32' || resolvedType instanceof protobuf.Enum ? 32 : 64, value);
}
