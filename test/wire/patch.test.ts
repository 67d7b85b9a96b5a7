import test from 'ava';
import fc from 'fast-check';
import { WireFault } from '../../src/errors/wire-fault';
import { encodeBytesField, encodeVarintField } from '../../src/wire/encode';
import { editFields, patchRecord } from '../../src/wire/patch';

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

test('several fields are edited at once, and each absent one is added in their order', (t) => {
  const record = Buffer.concat([1, 2, 1, 3].map((number) => encodeVarintField(number, 300)));
  const edits = [4, 1, 3].map((number) => ({
    number,
    replacement: encodeVarintField(number, 5),
    wireType: 0 as const,
  }));
  const expected = [
    [2, 300],
    [1, 5],
    [3, 5],
    [4, 5],
  ] as const;
  t.deepEqual(
    patchRecord(record, 0, record.length, edits),
    Buffer.concat(expected.map(([number, value]) => encodeVarintField(number, value))),
  );
});

test('an edit with a wire type refuses a field of another one', (t) => {
  const record = encodeBytesField(1, Buffer.from('text'));
  const edit = { number: 1, replacement: encodeVarintField(1, 1) };
  t.deepEqual(patchRecord(record, 0, record.length, [edit]), edit.replacement);
  const beside = Buffer.concat([record, encodeVarintField(2, 7)]);
  t.deepEqual(
    patchRecord(beside, 0, beside.length, [{ ...edit, wireType: 2 }]),
    Buffer.concat([edit.replacement, encodeVarintField(2, 7)]),
  );
  t.throws(() => patchRecord(record, 0, record.length, [{ ...edit, wireType: 0 }]), { instanceOf: WireFault });
});

test('each field becomes what a function makes of it, and stays where it makes nothing', (t) => {
  const fields = [1, 2, 3].map((number) => encodeVarintField(number, number));
  const record = Buffer.concat([Buffer.from([0xff]), ...fields, Buffer.from([0xff])]);
  const made = editFields(record, 1, record.length - 1, ({ number }) =>
    number === 2 ? encodeVarintField(2, 1000) : undefined,
  );
  t.deepEqual(made, Buffer.concat([fields[0] as Buffer, encodeVarintField(2, 1000), fields[2] as Buffer]));
  const less = editFields(record, 1, record.length - 1, ({ number }) => (number === 2 ? Buffer.alloc(0) : undefined));
  t.deepEqual(less, Buffer.concat([fields[0] as Buffer, fields[2] as Buffer]));
});
