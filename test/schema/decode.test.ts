import test from 'ava';
import { WireFault } from '../../src/errors/wire-fault';
import { decode, decodeInPlace } from '../../src/schema/decode';
import {
  INVENTORY_ENTRY,
  PIPE_ENTRY,
  PSTREE_ENTRY,
  REG_FILE_ENTRY,
  SCM_ENTRY,
} from '../../src/schema/generated/images';
import type { FieldSchema, MessageSchema, PlainType } from '../../src/schema/message';
import { NO_OWNER } from '../support/directories';
import { encodeMessage } from '../support/images';

const whole = <T>(schema: Parameters<typeof decode<T>>[0], bytes: Uint8Array) => decode(schema, bytes, 0, bytes.length);

test('every kind of value comes out exactly', (t) => {
  const fields = { id: 3, flags: 1, pos: '18446744073709551615', fown: NO_OWNER, name: '/x', mnt_id: -1, ext: true };
  const decoded = whole(REG_FILE_ENTRY, encodeMessage('reg_file_entry', fields));
  t.like(decoded, { id: 3, pos: 2n ** 64n - 1n, mnt_id: -1, ext: true, fown: NO_OWNER, build_id: [] });
  t.is(decoded.name.toString(), '/x');
  t.is(decoded.size, undefined);
});

test('a repeated field is read packed and unpacked', (t) => {
  const packed = Buffer.from([0x08, 1, 0x12, 3, 5, 0x80, 1]);
  const unpacked = Buffer.from([0x08, 1, 0x10, 5, 0x10, 0x80, 1]);
  for (const bytes of [packed, unpacked]) t.deepEqual(whole(SCM_ENTRY, bytes).rights, [5, 128]);
  t.deepEqual(
    whole(PSTREE_ENTRY, encodeMessage('pstree_entry', { pid: 1, ppid: 0, pgid: 1, sid: 1, threads: [1, 2] })).threads,
    [1, 2],
  );
});

const INNER: MessageSchema<unknown> = {
  name: 'inner',
  fields: [{ number: 1, name: 'id', label: 'required', type: 'uint32' }],
};
const LISTS: MessageSchema<{ readonly [name: string]: unknown }> = {
  name: 'lists',
  fields: [
    { number: 1, name: 'names', label: 'repeated', type: 'bytes' },
    { number: 2, name: 'inner', label: 'repeated', type: 'message', message: () => INNER },
    { number: 3, name: 'ids', label: 'repeated', type: 'uint32' },
    { number: 4, name: 'one', label: 'optional', type: 'message', message: () => INNER },
  ],
};

test('repeated bytes and messages are one value each, and what is absent is an empty list', (t) => {
  const bytes = Buffer.from([0x0a, 2, 0x61, 0x62, 0x0a, 0, 0x12, 2, 0x08, 5, 0x12, 2, 0x08, 6]);
  t.deepEqual(whole(LISTS, bytes), {
    names: [Buffer.from('ab'), Buffer.alloc(0)],
    inner: [{ id: 5 }, { id: 6 }],
    ids: [],
  });
});

test('an embedded message in several parts is what the parts mean together', (t) => {
  const part = (...bytes: number[]) => [0x1a, bytes.length, ...bytes];
  const bytes = Buffer.from([0x08, 2, ...part(0x08, 1, 0x10, 2), ...part(0x18, 3, 0x20, 4, 0x10, 9)]);
  t.like(whole(INVENTORY_ENTRY, bytes).root_ids, { vm_id: 1, files_id: 9, fs_id: 3, sighand_id: 4 });
});

test('faults carry the field and the position', (t) => {
  const missing = t.throws(() => whole(PIPE_ENTRY, Buffer.from([0x08, 1])), { instanceOf: WireFault });
  t.is(missing?.field, 'pipe_entry.pipe_id');
  const wrong = t.throws(() => whole(PIPE_ENTRY, Buffer.from([0x08, 1, 0x12, 0])), { instanceOf: WireFault });
  t.like(wrong, { field: 'pipe_entry.pipe_id', at: 2 });
  const fixed = t.throws(() => whole(LISTS, Buffer.from([0x1d, 1, 0, 0, 0])), { instanceOf: WireFault });
  t.like(fixed, { field: 'lists.ids', at: 0 });
  const inside = t.throws(() => whole(LISTS, Buffer.from([0x22, 3, 0x08, 1, 0x80])), { instanceOf: WireFault });
  t.is(inside?.at, 5, 'of a message in one part, the place in it');
});

/** Each type with bytes of values as protobuf writes them, without tags, and what they mean. */
const VALUES: [type: PlainType, wireType: number, ...values: [number[], unknown][]][] = [
  ['uint32', 0, [[0xff, 0xff, 0xff, 0xff, 0x0f], 2 ** 32 - 1], [[0], 0]],
  ['int32', 0, [[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], -2], [[7], 7]],
  ['enum', 0, [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], -1], [[2], 2]],
  ['sint32', 0, [[3], -2], [[4], 2], [[0xff, 0xff, 0xff, 0xff, 0x0f], -(2 ** 31)]],
  ['uint64', 0, [[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 2n ** 64n - 2n], [[1], 1n]],
  ['int64', 0, [[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], -2n], [[1], 1n]],
  ['sint64', 0, [[3], -2n], [[4], 2n], [[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], -(2n ** 63n)]],
  ['fixed32', 5, [[1, 0, 0, 0x80], 2 ** 31 + 1], [[2, 0, 0, 0], 2]],
  ['fixed64', 1, [[1, 0, 0, 0, 0, 0, 0, 0x80], 2n ** 63n + 1n], [[2, 0, 0, 0, 0, 0, 0, 0], 2n]],
  ['bool', 0, [[0], false], [[1], true], [[0x80, 0x80, 0x80, 0x80, 0x80, 1], true]],
  ['string', 2, [[2, 0x61, 0xff], Buffer.of(0x61, 0xff)], [[0], Buffer.alloc(0)]],
  ['bytes', 2, [[1, 0], Buffer.of(0)], [[0], Buffer.alloc(0)]],
];

const oneField = (label: FieldSchema['label'], type: PlainType): MessageSchema<{ readonly f?: unknown }> => ({
  name: 'one_field',
  fields: [{ number: 1, name: 'f', label, type }],
});

for (const [type, wireType, ...values] of VALUES) {
  test(`${type}: each value means the same alone, repeated and packed`, (t) => {
    const tag = 8 + wireType;
    for (const [bytes, value] of values)
      t.deepEqual(whole(oneField('optional', type), Buffer.from([tag, ...bytes])), { f: value });
    const [all, expected] = [values.map(([bytes]) => bytes), values.map(([, value]) => value)];
    const tagged = Buffer.from(all.flatMap((bytes) => [tag, ...bytes]));
    t.deepEqual(whole(oneField('repeated', type), tagged), { f: expected });
    if (wireType === 2) return;
    const packed = Buffer.from([0x0a, all.flat().length, ...all.flat()]);
    t.deepEqual(whole(oneField('repeated', type), packed), { f: expected });
    t.throws(() => whole(oneField('optional', type), packed), { instanceOf: WireFault, message: /wire type 2/ });
  });
}

const NESTED: MessageSchema<{ readonly inner?: unknown }> = {
  name: 'nested',
  fields: [
    { number: 1, name: 'inner', label: 'optional', type: 'message', message: () => NESTED },
    { number: 2, name: 'each', label: 'repeated', type: 'message', message: () => NESTED },
  ],
};

test('messages are nested 32 deep at most, in one part, in several and as repeated ones', (t) => {
  const inside = (field: number, bytes: Buffer) => Buffer.concat([Buffer.of(field * 8 + 2, bytes.length), bytes]);
  const nested = (field: number, depth: number) =>
    Array.from({ length: depth }).reduce<Buffer>((bytes) => inside(field, bytes), Buffer.alloc(0));
  const inParts = (depth: number) => Buffer.concat([inside(1, nested(1, depth - 1)), inside(1, Buffer.alloc(0))]);
  const message = 'messages are nested deeper than 32';
  for (const nest of [(depth: number) => nested(1, depth), (depth: number) => nested(2, depth), inParts]) {
    t.notThrows(() => whole(NESTED, nest(32)));
    t.throws(() => whole(NESTED, nest(33)), { instanceOf: WireFault, message });
  }
});

test('a fault in a message in several parts is where its first part is', (t) => {
  const parts = Buffer.from([0x0a, 0, 0x22, 0, 0x0a, 0, 0x22, 0]);
  const missing = t.throws(() => whole(LISTS, parts), { instanceOf: WireFault });
  t.like(missing, { message: 'the required field is missing', field: 'inner.id', at: 4, needs: undefined });
  const cut = t.throws(() => whole(LISTS, Buffer.from([0x22, 2, 0x08, 1, 0x22, 1, 0x08])), { instanceOf: WireFault });
  t.like(cut, { at: 2, needs: 1 });
});

test('a field that the schema does not know is passed over, whatever its wire type', (t) => {
  const unknown = [0x28, 1, 0x2a, 2, 8, 8, 0x2d, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8];
  t.deepEqual(whole(INNER, Buffer.from([...unknown, 0x08, 7, ...unknown])), { id: 7 });
});

test('several embedded messages are told apart', (t) => {
  const two: MessageSchema<unknown> = {
    name: 'two',
    fields: [4, 5].map((number) => ({
      ...{ number, name: `f${number}`, label: 'optional', type: 'message', message: () => INNER },
    })),
  };
  const bytes = Buffer.from([0x22, 2, 0x08, 1, 0x2a, 2, 0x08, 2, 0x22, 2, 0x08, 3]);
  t.deepEqual(whole(two, bytes), { f4: { id: 3 }, f5: { id: 2 } });
});

test('values in place are views of the record, others are copies', (t) => {
  const bytes = Buffer.from([0, 0x0a, 2, 0x61, 0x62, 0]);
  const schema = oneField('optional', 'bytes');
  const copied = decode(schema, bytes, 1, 5).f as Buffer;
  const viewed = decodeInPlace(schema, bytes, 1, 5).f as Buffer;
  t.deepEqual([copied, viewed], [Buffer.from('ab'), Buffer.from('ab')]);
  bytes[3] = 0x7a;
  t.deepEqual([copied, viewed], [Buffer.from('ab'), Buffer.from('zb')]);
});
