import { type Random, varint } from '../../support/random-messages';
import { BYTE_MUTATORS } from './bytes';
import { EDGES, type Mutator, oneOf } from './mutate';

/** A field as far as it can be read; where nothing can, the rest is one chunk. */
interface Chunk {
  readonly number: number;
  readonly type: number;
  readonly bytes: Buffer;
  /** What lies in a field of bytes; undefined for numbers. */
  readonly payload?: Buffer;
}

/** A varint, if there is one of at most ten bytes. */
function varintAt(bytes: Buffer, start: number): { value: bigint; end: number } | undefined {
  let value = 0n;
  for (let at = start; at < bytes.length && at < start + 10; at += 1) {
    const byte = bytes[at] as number;
    value |= BigInt(byte & 127) << BigInt(7 * (at - start));
    if (byte < 128) return { value: BigInt.asUintN(64, value), end: at + 1 };
  }
  return undefined;
}

function chunksOf(record: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  for (let at = 0; at < record.length; ) {
    const chunk = chunkAt(record, at);
    chunks.push(chunk);
    at += chunk.bytes.length;
  }
  return chunks;
}

function chunkAt(record: Buffer, start: number): Chunk {
  const rest: Chunk = { number: 0, type: 0, bytes: record.subarray(start) };
  const tag = varintAt(record, start);
  if (tag === undefined || tag.value >= 2n ** 32n) return rest;
  const [number, type] = [Number(tag.value >> 3n), Number(tag.value & 7n)];
  const value = type === 0 || type === 2 ? varintAt(record, tag.end) : undefined;
  if (type === 0 && value !== undefined) return { number, type, bytes: record.subarray(start, value.end) };
  if (type === 1 || type === 5) {
    const end = tag.end + (type === 1 ? 8 : 4);
    return end > record.length ? rest : { number, type, bytes: record.subarray(start, end) };
  }
  if (value === undefined || BigInt(value.end) + value.value > BigInt(record.length)) return rest;
  const end = value.end + Number(value.value);
  return { number, type, bytes: record.subarray(start, end), payload: record.subarray(value.end, end) };
}

const tag = (number: number, type: number, padding = 0) => varint(BigInt(number) * 8n + BigInt(type), padding);
const withLength = (number: number, payload: Buffer, length = BigInt(payload.length), padding = 0) =>
  Buffer.concat([tag(number, 2), varint(length, padding), payload]);

/** Lets one of the fields become something else. */
function editOne(record: Buffer, random: Random, edit: (chunk: Chunk) => Buffer): Buffer {
  const chunks = chunksOf(record);
  if (chunks.length === 0) return record;
  const chosen = random.below(chunks.length);
  return Buffer.concat(chunks.map((chunk, i) => (i === chosen ? edit(chunk) : chunk.bytes)));
}

const drop: Mutator = (record, random) => editOne(record, random, () => Buffer.alloc(0));
const twice: Mutator = (record, random) => editOne(record, random, ({ bytes }) => Buffer.concat([bytes, bytes]));

/** The same number in more bytes than it needs. */
const pad: Mutator = (record, random) =>
  editOne(record, random, ({ number, type, bytes, payload }) => {
    const padding = 1 + random.below(9);
    if (payload !== undefined) return withLength(number, payload, BigInt(payload.length), padding);
    return type === 0 && number > 0
      ? Buffer.concat([tag(number, 0, padding), bytes.subarray(tag(number, 0).length)])
      : bytes;
  });

/** A number at an edge, or one that other fields have: ids are to meet. */
const renumber: Mutator = (record, random) =>
  editOne(record, random, ({ number, type, bytes }) => {
    if (type !== 0 || number === 0) return bytes;
    const value = random.chance(50) ? BigInt(random.below(24)) : oneOf(EDGES, random);
    return Buffer.concat([tag(number, 0), varint(value)]);
  });

const otherType: Mutator = (record, random) =>
  editOne(record, random, ({ number, type, bytes }) => {
    if (number === 0) return bytes;
    return Buffer.concat([tag(number, random.below(8)), bytes.subarray(tag(number, type).length)]);
  });

const otherNumber: Mutator = (record, random) =>
  editOne(record, random, ({ number, type, bytes }) => {
    if (number === 0) return bytes;
    const to = oneOf([1 + random.below(30), number + 1, 2 ** 29 - 1, 0], random);
    return Buffer.concat([tag(to, type), bytes.subarray(tag(number, type).length)]);
  });

const otherLength: Mutator = (record, random) =>
  editOne(record, random, ({ number, bytes, payload }) => {
    if (payload === undefined) return bytes;
    const length = random.chance(50) ? BigInt(Math.max(0, payload.length + random.below(5) - 2)) : oneOf(EDGES, random);
    return withLength(number, payload, length);
  });

const swap: Mutator = (record, random) => {
  const chunks = chunksOf(record).map(({ bytes }) => bytes);
  if (chunks.length < 2) return record;
  const [a, b] = [random.below(chunks.length), random.below(chunks.length)];
  [chunks[a], chunks[b]] = [chunks[b] as Buffer, chunks[a] as Buffer];
  return Buffer.concat(chunks);
};

const unknown: Mutator = (record, random) => {
  const number = oneOf([31, 99, 127, 2047, 2048, 19999, 2 ** 29 - 1], random);
  const field = random.chance(50)
    ? Buffer.concat([tag(number, 0), varint(oneOf(EDGES, random))])
    : withLength(number, random.bytes(random.below(12)));
  const chunks = chunksOf(record).map(({ bytes }) => bytes);
  chunks.splice(random.below(chunks.length + 1), 0, field);
  return Buffer.concat(chunks);
};

const take: Mutator = (record, random, other) => {
  const others = chunksOf(other());
  if (others.length === 0) return record;
  const chunks = chunksOf(record).map(({ bytes }) => bytes);
  chunks.splice(random.below(chunks.length + 1), 0, oneOf(others, random).bytes);
  return Buffer.concat(chunks);
};

const NAMES = ['/', '', '.', '..', '/a/../b', '\n', '\u001b[31m', '\u202e', '\ufffd', 'pipe:[1]', '/proc/1/fd/1'];
const ODD_NAMES = ['file[1f:2b]', '*', '{', '\\x41', '\\x', '@a', 'tcp:1.2.3.4:5', '/memfd:x', 'x'.repeat(300)];

/** Another name. */
const rename: Mutator = (record, random) =>
  editOne(record, random, ({ number, bytes, payload }) => {
    if (payload === undefined) return bytes;
    const name = Buffer.from(oneOf([...NAMES, ...ODD_NAMES], random));
    return withLength(number, random.chance(50) ? name : Buffer.concat([payload, name]));
  });

const rawBytes: Mutator = (record, random, other) => oneOf(BYTE_MUTATORS, random)(record, random, other);

const EDITS = [drop, twice, pad, renumber, renumber, otherType, otherNumber, otherLength, swap, unknown, take, rename];

/** Goes into a nested message. */
const inside: Mutator = (record, random, other) =>
  editOne(record, random, ({ number, bytes, payload }) =>
    payload === undefined || payload.length === 0
      ? bytes
      : withLength(
          number,
          wireMutator(payload, random, () => (payload.length > 8 ? payload : other())),
        ),
  );

/** Changes one field of a message, or of a message in it. */
export const wireMutator: Mutator = (record, random, other) =>
  oneOf(random.chance(40) ? [inside] : [...EDITS, rawBytes], random)(record, random, other);

export const WIRE_MUTATORS: readonly Mutator[] = [wireMutator, wireMutator, wireMutator, rawBytes];
