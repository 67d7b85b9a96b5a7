import test from 'ava';
import fc from 'fast-check';
import { encodeBytesField, encodeVarint, encodeVarintField } from '../../src/wire/encode';
import { patchRecord } from '../../src/wire/patch';

const anyField = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.nat())
    .map(([number, value]) => ({ number, bytes: encodeVarintField(number, value) })),
  fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.uint8Array({ maxLength: 20 }))
    .map(([number, value]) => ({ number, bytes: encodeBytesField(number, value) })),
);

test('an edit replaces the last occurrence, drops earlier ones, and touches nothing else', (t) => {
  fc.assert(
    fc.property(fc.array(anyField, { maxLength: 10 }), fc.integer({ min: 1, max: 6 }), (fields, number) => {
      const replacement = encodeVarintField(number, 12345);
      const record = Buffer.concat(fields.map(({ bytes }) => bytes));
      const last = fields.map((field) => field.number).lastIndexOf(number);
      const expected = fields.flatMap((field, i) => {
        if (field.number !== number) return [field.bytes];
        return i === last ? [replacement] : [];
      });
      if (last === -1) expected.push(replacement);
      t.deepEqual(patchRecord(record, 0, record.length, [{ number, replacement }]), Buffer.concat(expected));
    }),
  );
});

test('no edit leaves the record as it is, odd encodings included', (t) => {
  const record = Buffer.from([0x88, 0x00, 0x85, 0x80, 0x00, 0x12, 0x81, 0x00, 0xff]);
  t.deepEqual(patchRecord(record, 0, record.length, []), record);
});

test('a field is removed by an empty replacement', (t) => {
  const record = Buffer.concat([encodeVarintField(1, 1), encodeVarintField(2, 2)]);
  t.deepEqual(
    patchRecord(record, 0, record.length, [{ number: 1, replacement: Buffer.alloc(0) }]),
    encodeVarintField(2, 2),
  );
});

test('numbers past 32 bits are encoded', (t) => {
  t.deepEqual([...encodeVarint(2 ** 40)], [0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
});
