import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { WireFault } from '../../src/errors/wire-fault';
import { FieldCursor } from '../../src/wire/field-cursor';

/** Fields as a list of writes, and the bytes that protobufjs makes of them. */
const field = fc.oneof(
  fc.record({
    kind: fc.constant('varint' as const),
    number: fc.integer({ min: 1, max: 2 ** 29 - 1 }),
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  }),
  fc.record({
    kind: fc.constant('bytes' as const),
    number: fc.integer({ min: 1, max: 40 }),
    value: fc.uint8Array({ maxLength: 200 }),
  }),
  fc.record({
    kind: fc.constant('fixed64' as const),
    number: fc.integer({ min: 1, max: 40 }),
    value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  }),
  fc.record({
    kind: fc.constant('fixed32' as const),
    number: fc.integer({ min: 1, max: 40 }),
    value: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  }),
);
type Field = typeof field extends fc.Arbitrary<infer T> ? T : never;

function encode(fields: readonly Field[]): Uint8Array {
  const writer = protobuf.Writer.create();
  const halves = (value: bigint) =>
    ({ low: Number(value & 0xffffffffn) | 0, high: Number(value >> 32n) | 0, unsigned: true }) as never;
  for (const { kind, number, value } of fields) {
    if (kind === 'varint') writer.uint32(number * 8).uint64(halves(value));
    else if (kind === 'fixed64') writer.uint32(number * 8 + 1).fixed64(halves(value));
    else if (kind === 'bytes') writer.uint32(number * 8 + 2).bytes(value);
    else writer.uint32(number * 8 + 5).fixed32(value);
  }
  return writer.finish();
}

test('finds the fields that protobufjs wrote, with their exact values', (t) => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 12 }), (fields) => {
      const bytes = encode(fields);
      const cursor = new FieldCursor().over(bytes, 0, bytes.length);
      let end = 0;
      for (const { kind, number, value } of fields) {
        t.true(cursor.next());
        t.is(cursor.start, end);
        t.is(cursor.number, number);
        if (kind === 'varint') {
          t.is(cursor.uint64(), value);
          t.is(cursor.uint64AsNumber(), Number(value));
          t.is(cursor.uint32(), Number(value & 0xffffffffn));
        } else if (kind === 'fixed64') t.is(cursor.fixed64(), value);
        else if (kind === 'bytes') t.deepEqual(Buffer.from(cursor.payload()), Buffer.from(value));
        else t.is(cursor.fixed32(), value);
        end = cursor.end;
      }
      t.false(cursor.next());
      t.is(end, bytes.length);
    }),
  );
});

test('any bytes are walked or refused, never read past', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const cursor = new FieldCursor().over(bytes, 0, bytes.length);
      try {
        while (cursor.next()) t.true(cursor.end <= bytes.length && cursor.end > cursor.start);
      } catch (error) {
        t.true(error instanceof WireFault);
      }
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

const BAD: [string, number[], RegExp, number | undefined][] = [
  ['a number cut off', [0x08, 0x80], /cut off/, 1],
  ['a number of 11 bytes', [0x08, ...Array(10).fill(0x80), 0x01], /longer than 10/, undefined],
  ['a payload that reaches past the record', [0x12, 0x05, 1, 2], /past its record/, 3],
  ['a fixed32 cut off', [0x0d, 1, 2], /past its record/, 2],
  ['a fixed64 cut off', [0x09, 1, 2], /past its record/, 6],
  ['a payload of 2^32 bytes', [0x12, 0x80, 0x80, 0x80, 0x80, 0x10, 1], /past its record/, 2 ** 32 - 1],
  ['a number that ends right after its record', [0x08, 0x80, 0x01], /cut off/, 1],
  ['field number 0', [0x00, 0x01], /field number/, undefined],
  ['field number 2^29 + 1', [0x88, 0x80, 0x80, 0x80, 0x10, 0x01], /field number/, undefined],
  ['a group', [0x0b, 0x0c], /wire type 3/, undefined],
];
for (const [what, bytes, problem, needs] of BAD) {
  test(`refuses ${what}`, (t) => {
    const end = what === 'a number that ends right after its record' ? bytes.length - 1 : bytes.length;
    const cursor = new FieldCursor().over(Uint8Array.from(bytes), 0, end);
    const fault = t.throws(
      () => {
        while (cursor.next());
      },
      { instanceOf: WireFault, message: problem },
    );
    t.is(fault?.needs, needs);
  });
}

test('a number in more bytes than it needs is read all the same', (t) => {
  const cursor = new FieldCursor().over(Uint8Array.from([0x88, 0x00, 0x85, 0x80, 0x00]), 0, 5);
  t.true(cursor.next());
  t.is(cursor.number, 1);
  t.is(cursor.uint32(), 5);
});

test('a value is not read as one of another wire type', (t) => {
  const cursor = new FieldCursor().over(Uint8Array.from([0x7f, 0x08, 0x05]), 1, 3);
  t.true(cursor.next());
  for (const read of [() => cursor.fixed32(), () => cursor.fixed64(), () => cursor.payload()])
    t.is(t.throws(read, { instanceOf: WireFault, message: /^wire type 0 where [125] belongs/ })?.at, 1);
  cursor.over(encode([{ kind: 'fixed32', number: 1, value: 7 }]), 0, 5);
  t.true(cursor.next());
  for (const read of [() => cursor.uint32(), () => cursor.uint64(), () => cursor.uint64AsNumber()])
    t.throws(read, { instanceOf: WireFault, message: /^wire type 5 where 0 belongs/ });
});

test('the values of a packed field are found one by one', (t) => {
  const cursor = new FieldCursor().over(Uint8Array.from([1, 0x80, 0x02, 3, 99]), 0, 4);
  const seen: [number, number, number][] = [];
  while (cursor.nextPacked(0)) seen.push([cursor.start, cursor.end, cursor.uint32()]);
  t.deepEqual(seen, [
    [0, 1, 1],
    [1, 3, 256],
    [3, 4, 3],
  ]);
});
