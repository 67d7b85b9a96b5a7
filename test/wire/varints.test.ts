import test from 'ava';
import fc from 'fast-check';
import { encodeBytesField, encodeVarint, encodeVarintField } from '../../src/wire/encode';
import { FieldCursor } from '../../src/wire/field-cursor';
import { SmallVarint } from '../../src/wire/small-varint';
import { lengthOfVarint } from '../../src/wire/varint-length';
import { WireBuffer } from '../../src/wire/wire-buffer';

const LARGEST = 2n ** 64n - 1n;
/** The numbers around each power of two, where a varint may become longer, and a few with all bits mixed. */
const NUMBERS = [
  ...Array.from({ length: 65 }, (_, bit) => 2n ** BigInt(bit)).flatMap((power) => [power - 1n, power, power + 1n]),
  0x0123456789abcdefn,
  0xfedcba9876543210n,
  300n,
].filter((value) => value <= LARGEST);

/** A varint by its definition: seven bits a byte, the lowest first. */
function varintOf(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

const low = (value: bigint) => Number(value & 0xffffffffn);
const high = (value: bigint) => Number(value >> 32n);

test('every length of number is written in the shortest form, measured and read back', (t) => {
  for (const value of NUMBERS) {
    const bytes = varintOf(value);
    const buffer = new WireBuffer();
    buffer.varint(low(value), high(value));
    t.deepEqual([...buffer.since(0)], bytes, `${value}`);
    t.is(lengthOfVarint(low(value), high(value)), bytes.length, `${value}`);
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) t.deepEqual([...encodeVarint(Number(value))], bytes, `${value}`);
    const cursor = new FieldCursor().over(Uint8Array.from([...bytes, 0xff]), 0, bytes.length);
    t.true(cursor.nextPacked(0));
    t.is(cursor.end, bytes.length);
    t.is(cursor.uint64(), value);
  }
});

test('a number of up to four bytes is read at once, a longer one is left to others', (t) => {
  const small = new SmallVarint();
  for (const value of NUMBERS) {
    const bytes = varintOf(value);
    const end = small.read(Uint8Array.from([0xff, ...bytes]), 1);
    t.is(end, bytes.length > 4 ? -1 : 1 + bytes.length, `${value}`);
    if (end !== -1) t.is(small.value, Number(value));
  }
});

test('fields are a tag, and a number or a length with its bytes', (t) => {
  t.deepEqual([...encodeVarintField(3, 300)], [0x18, 0xac, 0x02]);
  t.deepEqual([...encodeVarintField(16, 0)], [0x80, 0x01, 0x00]);
  t.deepEqual([...encodeBytesField(3, Buffer.from('ab'))], [0x1a, 0x02, 0x61, 0x62]);
});

type Step =
  | { kind: 'varint'; value: bigint }
  | { kind: 'fixed32'; value: number }
  | { kind: 'copy'; bytes: Uint8Array; start: number; end: number }
  | { kind: 'nested'; bytes: Uint8Array }
  | { kind: 'replace'; from: number; bytes: Uint8Array }
  | { kind: 'repeat'; from: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('varint' as const), value: fc.bigInt({ min: 0n, max: LARGEST }) }),
  fc.record({ kind: fc.constant('fixed32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.tuple(fc.uint8Array({ maxLength: 400 }), fc.nat(50), fc.nat(50)).map(([bytes, start, less]) => ({
    kind: 'copy' as const,
    bytes,
    start: Math.min(start, bytes.length),
    end: Math.max(bytes.length - less, Math.min(start, bytes.length)),
  })),
  fc.record({ kind: fc.constant('nested' as const), bytes: fc.uint8Array({ maxLength: 300 }) }),
  fc.record({ kind: fc.constant('replace' as const), from: fc.nat(60), bytes: fc.uint8Array({ maxLength: 60 }) }),
  fc.record({ kind: fc.constant('repeat' as const), from: fc.nat(60) }),
);

/** Makes one step on the buffer; gives the bytes that it must have then. */
function take(buffer: WireBuffer, before: readonly number[], made: Step): number[] {
  switch (made.kind) {
    case 'varint':
      buffer.varint(low(made.value), high(made.value));
      return [...before, ...varintOf(made.value)];
    case 'fixed32':
      buffer.fixed32(made.value);
      return [...before, ...new Uint8Array(Uint32Array.of(made.value).buffer)];
    case 'copy':
      buffer.copy(made.bytes, made.start, made.end);
      return [...before, ...made.bytes.subarray(made.start, made.end)];
    case 'nested': {
      const start = buffer.beginLength();
      buffer.copy(made.bytes);
      buffer.endLength(start);
      return [...before, ...varintOf(BigInt(made.bytes.length)), ...made.bytes];
    }
    case 'replace': {
      const start = Math.max(0, before.length - made.from);
      buffer.replace(start, made.bytes);
      return [...before.slice(0, start), ...made.bytes];
    }
    case 'repeat': {
      // The new bytes lie in the buffer itself.
      const start = Math.max(0, before.length - made.from);
      buffer.replace(start, buffer.since(Math.max(0, start - 7)));
      return [...before.slice(0, start), ...before.slice(Math.max(0, start - 7))];
    }
  }
}

test('a buffer holds what was written, however it grows', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const buffer = new WireBuffer();
      let expected: number[] = [];
      for (const made of steps) {
        expected = take(buffer, expected, made);
        t.deepEqual(buffer.since(0), Buffer.from(expected));
      }
    }),
    { numRuns: 200 },
  );
});

test('a message of any length of length gets it in the shortest form', (t) => {
  for (const length of [0, 1, 127, 128, 16383, 16384, 2 ** 21 - 1, 2 ** 21]) {
    const buffer = new WireBuffer();
    buffer.varint(7, 0);
    const outer = buffer.beginLength();
    const inner = buffer.beginLength();
    buffer.copy(Buffer.alloc(length, 9));
    buffer.endLength(inner);
    buffer.endLength(outer);
    const message = Buffer.concat([encodeVarint(length), Buffer.alloc(length, 9)]);
    t.true(Buffer.concat([Buffer.of(7), encodeVarint(message.length), message]).equals(buffer.since(0)), `${length}`);
  }
});

test('a buffer of many small writes grows past each of its sizes', (t) => {
  for (const write of [
    (buffer: WireBuffer) => buffer.varint(0xffffffff, 0xffffffff),
    (buffer: WireBuffer) => buffer.varint(5, 0),
    (buffer: WireBuffer) => buffer.fixed32(0x01020304),
    (buffer: WireBuffer) => buffer.endLength(buffer.beginLength()),
  ]) {
    const one = new WireBuffer();
    write(one);
    const many = new WireBuffer();
    for (let i = 0; i < 2000; i += 1) write(many);
    t.true(Buffer.concat(Array.from({ length: 2000 }, () => one.since(0))).equals(many.since(0)));
  }
});
