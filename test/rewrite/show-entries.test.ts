/** Of the entries of a checkpoint, each hint is shown those that a spec could name. */
import test, { type ExecutionContext } from 'ava';
import { openSource } from '../../src';
import { MAX_KEY_BYTES } from '../../src/checkpoint/entry-facts';
import { Memfds } from '../../src/checkpoint/memfds';
import type { Hinter } from '../../src/rewrite/near-misses/hinter';
import { showEntries } from '../../src/rewrite/near-misses/show-entries';
import { readMemfds } from '../../src/rewrite/resolve-memfds';
import { FILE_ENTRY_FIELDS } from '../../src/schema/generated/images';
import { encodeBytesField } from '../../src/wire/encode';
import {
  descriptor,
  fileEntry,
  type Images,
  NO_OWNER,
  pipeEntry,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeMessage } from '../support/images';
import { smallWith } from '../support/rewriting';
import { inet, LISTENER, unix } from '../support/sockets';

const sourceOf = (t: ExecutionContext, images: Images) =>
  openSource(writeCheckpoint(temporaryDirectory(t), smallWith(images)));

const memfd = (id: number, inode_id: number) => ({
  type: 'MEMFD',
  id,
  memfd: { id, flags: 2, pos: 0, fown: NO_OWNER, inode_id },
});
const state = (inode_id: number, name: string) => ({ name, uid: 0, gid: 0, size: 9, shmid: 1, seals: 0, inode_id });
const terminal = (id: number, rdev: number, more: object = {}) => ({
  id,
  type: 'PTY',
  locked: false,
  exclusive: false,
  packet_mode: false,
  sid: 0,
  pgrp: 0,
  rdev,
  ...more,
});
const longest = `/${'a'.repeat(MAX_KEY_BYTES - 1)}`;

const OPEN = [
  fileEntry(10, '/log', 1),
  fileEntry(11, 'file[1:2b]', 1, { ext: true }),
  fileEntry(12, '/no', 1, { ext: false }),
  fileEntry(13, '/srv', 0, { mode: 0o040755 }),
  fileEntry(14, longest, 0),
  fileEntry(15, `${longest}a`, 0),
  { type: 'REG', id: 16 },
  pipeEntry(20, 9, 1),
  { type: 'PIPE', id: 21 },
  { type: 'FIFO', id: 22, fifo: { id: 22, pipe_id: 8, regf_id: 30 } },
  unix(23, 500, 0, { ...LISTENER, name: Buffer.from('/run/s\0') }),
  unix(24, 501, 0, { ...LISTENER, name: Buffer.from('\0abstract/') }),
  inet(25, 502, {}),
  memfd(26, 1),
  memfd(27, 1),
  memfd(28, 3),
  memfd(29, 2),
  { type: 'FANOTIFY', id: 40, ffy: { id: 40, flags: 2, fown: NO_OWNER, faflags: 0, evflags: 0 } },
];
/** Their members are there, with nothing in them. */
const DAMAGED = [
  { type: 'REG', id: 41 },
  { type: 'PIPE', id: 42 },
  { type: 'MEMFD', id: 43 },
];
const emptied = ({ type, id }: (typeof DAMAGED)[number]) => {
  const member =
    { REG: FILE_ENTRY_FIELDS.reg, PIPE: FILE_ENTRY_FIELDS.pipe, MEMFD: FILE_ENTRY_FIELDS.memfd }[type] ?? 0;
  return Buffer.concat([encodeMessage('file_entry', { type, id }), encodeBytesField(member, Buffer.alloc(0))]);
};
const IMAGES: Images = {
  'files.img': [
    ...OPEN,
    fileEntry(30, '/queue', 0, { mode: 0o010644 }),
    fileEntry(31, '/mapped', 0, { mode: 0o100644 }),
    fileEntry(32, '/mapped, of an old dump', 0),
    pipeEntry(33, 7, 0),
    memfd(34, 4),
    ...DAMAGED.map(emptied),
  ],
  'fdinfo-1.img': [...OPEN, ...DAMAGED].map(({ id, type }) => descriptor(id, id, type)),
  'fdinfo-2.img': [],
  'memfd.img': [state(1, 'one'), state(2, 'tw\u00f6'), state(4, 'closed')],
  'tty-info.img': [terminal(1, 0x8803, { dev: 0x19 }), terminal(2, 0x8804)],
};

/** Hints that write down what they are shown. */
function listeners(heard: string[]): Required<Omit<Hinter, 'hints' | 'otherwise'>> {
  return {
    seeFile: ({ bytes, start, end, isExternal, isDirectory }) => {
      const name = Buffer.from(bytes.subarray(start, end)).toString();
      const more = [isExternal ? ' external' : '', isDirectory ? ' directory' : ''].join('');
      heard.push(`file ${name === longest ? 'longest' : name}${more}`);
    },
    seePipe: ({ id, flags }) => heard.push(`pipe ${id} ${flags}`),
    seeOther: ({ id }) => heard.push(`other ${id}`),
    seeSocket: ({ keys, path }) => heard.push(`socket ${keys.join(' ')}${path === undefined ? '' : ` at ${path}`}`),
    seeMemfd: (name) => heard.push(`memfd ${name.toString('hex')}`),
    seeTerminal: (key) => heard.push(`terminal ${key}`),
  };
}

test('what is open is shown, each with its names', async (t) => {
  const source = await sourceOf(t, IMAGES);
  const memfds = await readMemfds(source);
  const heard: string[] = [];
  await showEntries(source, memfds, [{ hints: () => [], ...listeners(heard) }], undefined);
  t.deepEqual(heard, [
    'file /log',
    'file file[1:2b] external',
    'file /no',
    'file /srv directory',
    'file longest',
    'pipe 9 1',
    'other 22',
    'other 23',
    'socket /run/s socket:[500] at /run/s',
    'other 24',
    'socket @abstract/ socket:[501]',
    'other 25',
    'socket tcp:127.0.0.1:80 socket:[502]',
    'other 26',
    `memfd ${Buffer.from('one').toString('hex')}`,
    'other 27',
    'other 28',
    'other 29',
    `memfd ${Buffer.from('tw\u00f6').toString('hex')}`,
    'other 40',
    'file /queue',
    'file ',
    'other 43',
    'terminal tty[8803:19]',
    'terminal tty[8804:0]',
  ]);
  const alone: string[] = [];
  const listening = listeners(alone);
  for (const method of ['seeFile', 'seePipe', 'seeOther', 'seeSocket', 'seeMemfd', 'seeTerminal'] as const) {
    await showEntries(source, memfds, [{ hints: () => [], [method]: listening[method] }], undefined);
  }
  t.deepEqual(alone.sort(), heard.sort(), 'a hint may look at one sort alone');
});

test('images that no hint needs are not read', async (t) => {
  const damaged = Buffer.from('no image');
  const heard: string[] = [];
  const { seePipe, seeTerminal } = listeners(heard);
  const show = async (images: Images, hinter: Partial<Hinter>) =>
    showEntries(await sourceOf(t, images), new Memfds(), [{ hints: () => [], ...hinter }], undefined);
  await show({ 'tty-info.img': damaged }, { seePipe });
  await show({ 'files.img': damaged, 'tty-info.img': [] }, { seeTerminal });
  await show({ 'files.img': damaged, 'tty-info.img': damaged }, {});
  t.deepEqual(heard, ['pipe 4711 1']);
});
