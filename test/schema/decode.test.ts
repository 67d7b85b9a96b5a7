import test from 'ava';
import { WireFault } from '../../src/errors/wire-fault';
import { decode } from '../../src/schema/decode';
import {
  INVENTORY_ENTRY,
  PIPE_ENTRY,
  PSTREE_ENTRY,
  REG_FILE_ENTRY,
  SCM_ENTRY,
} from '../../src/schema/generated/images';
import type { MessageSchema } from '../../src/schema/message';
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
