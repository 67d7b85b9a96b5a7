import test, { type ExecutionContext } from 'ava';
import { FdgraftError, inspect, openSource, rewrite } from '../../src';
import { LIMITS } from '../../src/checkpoint/limits';
import { allOf } from '../support/all-of';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { encodeMessage, imageOf } from '../support/images';
import { headOf } from '../support/random-images';

/** Numbers from here on take four bytes each, up to the first that takes five. */
const FIRST = 1 << 21;

/** An image of that many records, numbered from FIRST on. To encode each would take a minute. */
function image(kind: string, record: (id: number) => Buffer, count: number): Buffer {
  const [one, next] = [record(FIRST), record(FIRST + 1)];
  const at = one.findIndex((byte, i) => byte !== next[i]);
  const framed = Buffer.concat([Buffer.from([one.length, 0, 0, 0]), one]);
  const records = Buffer.alloc(count * framed.length, framed);
  for (let i = 0; i < count; i += 1) {
    const place = i * framed.length + 4 + at;
    for (let digit = 0; digit < 3; digit += 1) records[place + digit] = 0x80 | (((FIRST + i) >> (7 * digit)) & 0x7f);
    records[place + 3] = (FIRST + i) >> 21;
  }
  return Buffer.concat([headOf(imageOf(kind)), records]);
}

const checkpointWith = (t: ExecutionContext, name: string, bytes: Buffer) =>
  openSource(writeCheckpoint(temporaryDirectory(t), { ...smallCheckpoint(), [name]: bytes }));

const FOWN = { uid: 0, gid: 0 };
const TERMINAL = { type: 'PTY', locked: false, exclusive: false, packet_mode: false, sid: 0, pgrp: 0, rdev: 0 };
const KINDS = [
  {
    kind: 'memfds',
    name: 'memfd.img',
    image: 'MEMFD_INODE',
    record: (inode_id: number) =>
      encodeMessage('memfd_inode_entry', { name: 'a', ...FOWN, size: 0, shmid: 0, seals: 0, mode: 0, inode_id }),
  },
  {
    kind: 'terminals',
    name: 'tty-info.img',
    image: 'TTY_INFO',
    record: (id: number) => encodeMessage('tty_info_entry', { id, ...TERMINAL }),
  },
  {
    kind: 'unread',
    image: 'PIPES_DATA',
    name: 'pipes-data.img',
    isOfSource: true,
    record: (pipe_id: number) => encodeMessage('pipe_data_entry', { pipe_id, bytes: 0 }),
  },
] as const;

for (const { kind, image: imageKind, name, record, ...rest } of KINDS) {
  test(`${kind} past their limit are refused, before they take the memory`, async (t) => {
    const made = image(imageKind, record, LIMITS[kind] + 1);
    const source = await checkpointWith(t, name, made);
    const error = await t.throwsAsync(allOf(inspect(source)), { instanceOf: FdgraftError });
    t.like(error, { code: 'SOURCE_UNUSABLE', exitCode: 2, file: 'isOfSource' in rest ? source.label : name });
    t.regex((error as Error).message, new RegExp(`more than ${LIMITS[kind]} `));
    const last = 4 + record(FIRST).length;
    const most = await checkpointWith(t, name, made.subarray(0, made.length - last));
    t.true((await allOf(inspect(most))).length > 0, 'as many as there may be');
  });
}

const OF_REWRITES = [
  {
    kind: 'mounts',
    image: 'MNTS',
    name: 'mountpoints-1.img',
    record: (mnt_id: number) =>
      encodeMessage('mnt_entry', {
        ...{ fstype: 0, mnt_id, root_dev: 0, parent_mnt_id: 0, flags: 0 },
        ...{ root: '/', mountpoint: '/', source: '', options: '' },
      }),
  },
  {
    kind: 'remaps',
    image: 'REMAP_FPATH',
    name: 'remap-fpath.img',
    record: (remap_id: number) => encodeMessage('remap_file_path_entry', { orig_id: 9, remap_id, remap_type: 'GHOST' }),
  },
  {
    kind: 'locks',
    image: 'FILE_LOCKS',
    name: 'filelocks.img',
    record: (pid: number) => encodeMessage('file_lock_entry', { flag: 1, type: 0, pid, fd: 1, start: 0, len: 0 }),
  },
] as const;

for (const { kind, image: imageKind, name, record } of OF_REWRITES) {
  test(`${kind} past their limit are refused by a rewrite`, async (t) => {
    const source = await checkpointWith(t, name, image(imageKind, record, LIMITS[kind] + 1));
    const error = await t.throwsAsync(rewrite(source, { specs: ['fd[5]:pipe:[4711]'] }), { instanceOf: FdgraftError });
    t.like(error, { code: 'SOURCE_UNUSABLE', file: name });
    t.regex((error as Error).message, new RegExp(`more than ${LIMITS[kind]} `));
  });
}
