import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FdgraftError, type InspectOptions, inspect, openSource } from '../../src';
import { LsText } from '../../src/report/ls-text';
import { allOf } from '../support/all-of';
import {
  descriptor,
  fileEntry,
  type Images,
  mapping,
  mmEntry,
  NO_OWNER,
  pipeEntry,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeMessage } from '../support/images';
import { smallWith } from '../support/rewriting';
import { inet } from '../support/sockets';

async function list(t: ExecutionContext, images: Images, options: InspectOptions = {}) {
  return allOf(inspect(await openSource(writeCheckpoint(temporaryDirectory(t), images)), options));
}

const keys = (entries: Awaited<ReturnType<typeof list>>) => entries.map(({ facts, type }) => facts?.key ?? type);

test('entries come by file id, whatever order the image has', async (t) => {
  const shuffled = [fileEntry(9, '/nine', 1), pipeEntry(2, 4711, 1), fileEntry(3, '/three', 0), fileEntry(1, '/x', 0)];
  const table = [9, 3, 2].map((id, fd) => descriptor(id, fd, id === 2 ? 'PIPE' : 'REG'));
  const images = smallWith({ 'files.img': shuffled, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  t.deepEqual(keys(await list(t, images)), ['pipe:[4711]', '/three', '/nine']);
});

test('a missing end is told by the entries of the pipe, and a FIFO has none', async (t) => {
  const fifo = { type: 'FIFO', id: 7, fifo: { id: 7, pipe_id: 1, regf_id: 8 } };
  const files = [
    pipeEntry(2, 1, 1),
    pipeEntry(3, 2, 0),
    pipeEntry(4, 3, 0),
    pipeEntry(5, 3, 1),
    pipeEntry(6, 4, 2),
    fifo,
    fileEntry(8, '/fifo', 0, { mode: 0o010644 }),
  ];
  const table = [2, 3, 4, 5, 6, 7].map((id) => descriptor(id, id, id === 7 ? 'FIFO' : 'PIPE'));
  const images = smallWith({
    'files.img': files,
    'fdinfo-1.img': table,
    'fdinfo-2.img': [],
    'fs-7.img': [],
    'mm-7.img': [],
  });
  const entries = await list(t, images);
  t.deepEqual(
    entries.map(({ id, missingEnd }) => [id, missingEnd]),
    [
      [2, 'read'],
      [3, 'write'],
      [4, undefined],
      [5, undefined],
      [6, undefined],
      [7, undefined],
    ],
  );
  t.deepEqual(
    (await list(t, images, { external: true })).map(({ id }) => id),
    [2, 3],
  );
});

test('names of tasks, other references and ties', async (t) => {
  const core = (comm: Buffer) =>
    // core_entry {mtype 1, tc {… comm}}, as far as it is read.
    wire([
      [1, 1],
      [3, wire([[6, comm]])],
    ]);
  const images = smallWith({
    'core-7.img': image(core(Buffer.from('app \xff', 'latin1'))),
    'core-8.img': image(core(Buffer.from('other'))),
    'mm-7.img': [mmEntry(3, [mapping(3, 1 << 6), mapping(3, 1 << 7)])],
    'filelocks.img': [{ flag: 2, type: 0, pid: 7, fd: 3, start: 0, len: 0 }],
  });
  const entries = await list(t, images);
  const [pipe, log] = entries;
  t.deepEqual(
    pipe?.descriptors.map(({ names, pids, fd }) => [names, pids, fd]),
    [
      [['app \\xff'], [7], 1],
      [['app \\xff'], [7], 6],
      [['other'], [8], 1],
    ],
  );
  t.deepEqual(log?.others, [
    { what: 'mapping', pid: 7 },
    { what: 'executable', pid: 7 },
  ]);
  t.deepEqual(log?.ties, [{ what: 'a flock', pid: 7, fd: 3 }]);
});

test('paths and globs, with and without the slash', async (t) => {
  for (const filter of ['/var/log/app.log', 'var/log/app.log', '/var/**', '**/*.log', '/var/log/app\\x2elog']) {
    t.deepEqual(keys(await list(t, smallWith({}), { path: filter })), ['/var/log/app.log'], filter);
  }
  t.deepEqual(await list(t, smallWith({}), { path: 'pipe:\\x5b4711]' }), []);
  await t.throwsAsync(list(t, smallWith({}), { path: '[a' }), { instanceOf: FdgraftError, message: /the path '\[a'/ });
});

test('a directory is named with and without the slash at its end', async (t) => {
  const directory = fileEntry(9, '/srv/data', 0o200000, { mode: 0o40755 });
  const images = smallWith({
    'files.img': [fileEntry(3, '/srv/file', 1), fileEntry(4, '/', 0), directory],
    'fdinfo-1.img': [descriptor(9, 5, 'REG'), descriptor(3, 6, 'REG')],
  });
  for (const [filter, expected] of [
    ['/srv/data', ['/srv/data/']],
    ['srv/data/', ['/srv/data/']],
    ['/srv/file', ['/srv/file']],
    ['/srv/file/', []],
    ['/srv/*', ['/srv/file', '/srv/data/']],
    ['/srv/*/', ['/srv/data/']],
  ] as const)
    t.deepEqual(keys(await list(t, images, { path: filter })), expected, filter);
});

test('/dev/tty has its path too, though a descriptor is its key', async (t) => {
  const source = await openSource(path.join(__dirname, '../../fixtures/images/terminal_current'));
  const current = ['/proc/14716/fd/6', '/proc/14717/fd/7', '/proc/14718/fd/7'];
  for (const filter of ['/dev/tty', '/dev/t*'])
    t.deepEqual(keys(await allOf(inspect(source, { path: filter }))), current);
  t.is((await allOf(inspect(source, { path: '/dev/**' }))).length, 7);
  t.deepEqual(await allOf(inspect(source, { path: '/proc/14716/fd/6' })), []);
  await source.close();
});

test('specs show what they would take, and those that take nothing are an error at the end', async (t) => {
  const taken = await list(t, smallWith({}), { specs: ['fd[5]:/proc/8/fd/1', 'fd[6]:/var/log/*', 'fd[7]:/var/**'] });
  t.deepEqual(
    taken.map(({ facts, callerFds }) => [facts?.key, callerFds]),
    [
      ['pipe:[4711]', [5]],
      ['/var/log/app.log', [6]],
    ],
  );
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), smallWith({})));
  const seen: unknown[] = [];
  const error = await t.throwsAsync(async () => {
    for await (const { id } of inspect(source, { specs: ['fd[5]:pipe:[4711]', 'fd[6]:pipe:[1]'] })) seen.push(id);
  });
  t.deepEqual(seen, [2]);
  t.is((error as FdgraftError).code, 'SPEC_UNMATCHED');
});

test('descriptors of entries that are not there are told', async (t) => {
  const images = smallWith({
    'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(99, 4, 'REG'), descriptor(3, 5, 'PIPE')],
  });
  const missing = (await list(t, images)).filter(({ type }) => type === 'missing');
  t.deepEqual(
    missing.map(({ id, descriptors }) => [id, descriptors.map(({ fd }) => fd)]),
    [
      [3, [5]],
      [99, [4]],
    ],
  );
});

test('an id of several types is several entries where each type has its image', async (t) => {
  const { 'files.img': _files, ...others } = smallWith({});
  const images: Images = {
    ...others,
    'reg-files.img': [{ id: 2, flags: 1, pos: 5, fown: NO_OWNER, name: '/log' }],
    'pipes.img': [{ id: 2, pipe_id: 4711, flags: 1, fown: NO_OWNER }],
    'fdinfo-1.img': [descriptor(2, 1, 'PIPE'), descriptor(2, 3, 'REG')],
    'fdinfo-2.img': [],
  };
  const warnings: string[] = [];
  const entries = await list(t, images, { onWarning: ({ code }) => warnings.push(code) });
  t.deepEqual(
    entries.map(({ facts, descriptors }) => [facts?.key, descriptors.map(({ fd }) => fd)]),
    [
      ['/log', [3]],
      ['pipe:[4711]', [1]],
    ],
  );
  t.deepEqual(warnings, ['LAYOUT_NOT_RESTORED']);
});

test('file ids that are there twice are refused, as rewrite does', async (t) => {
  const files = [fileEntry(1, '/x', 0), pipeEntry(2, 4711, 1), pipeEntry(2, 4712, 1)];
  const error = await t.throwsAsync(list(t, smallWith({ 'files.img': files })), { instanceOf: FdgraftError });
  t.is((error as FdgraftError).code, 'IMAGES_DISAGREE');
});

test('a FIFO whose path is not there holds nothing up', async (t) => {
  const fifo = { type: 'FIFO', id: 1, fifo: { id: 1, pipe_id: 1, regf_id: 99 } };
  const files = [fifo, pipeEntry(2, 4711, 1), fileEntry(3, '/var/log/app.log', 1)];
  const table = [descriptor(1, 0, 'FIFO'), descriptor(2, 1, 'PIPE'), descriptor(3, 3, 'REG')];
  const images = smallWith({ 'files.img': files, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  t.deepEqual(keys(await list(t, images)), ['FIFO', 'pipe:[4711]', '/var/log/app.log']);
});

test('many watches of an epoll with many descriptors are no work', async (t) => {
  const count = 20_000;
  const tfd = Array.from({ length: count }, (_none, i) => ({ id: 1, tfd: i % 100, events: 1, data: 0 }));
  const epoll = { type: 'EVENTPOLL', id: 1, epfd: { id: 1, flags: 2, fown: NO_OWNER, tfd } };
  const table = Array.from({ length: count }, (_none, i) => descriptor(1, i, 'EVENTPOLL'));
  const images = smallWith({ 'files.img': [epoll], 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const [entry] = await list(t, images);
  t.is(entry?.ties.length, 100);
});

test('specs that take no entry are refused, and a key that is left to criu takes none', async (t) => {
  const refused = await t.throwsAsync(list(t, smallWith({}), { specs: ['debug[5]:text'] }), {
    instanceOf: FdgraftError,
  });
  t.regex(String(refused?.message), /takes no entry/);
  const images = smallWith({ 'netns-9.img': [{ ext_key: 'extRootNetNS' }] });
  const error = await t.throwsAsync(list(t, images, { specs: ['fd[5]:extRootNetNS'] }), { instanceOf: FdgraftError });
  t.is((error as FdgraftError).exitCode, 1);
  t.regex(String(error?.message), /key of an external network namespace \(netns-9\.img\).* leave it out here/);
});

const socket = (id: number, ino: number, peer: number, more: object = {}) => ({
  type: 'UNIXSK',
  id,
  usk: {
    ...{ id, ino, type: 1, state: 1, flags: 2, uflags: 0, backlog: 0, peer, fown: NO_OWNER, name: '' },
    opts: { so_sndbuf: 0, so_rcvbuf: 0, so_snd_tmo_sec: 0, so_snd_tmo_usec: 0, so_rcv_tmo_sec: 0, so_rcv_tmo_usec: 0 },
    ...more,
  },
});

test('unix sockets whose peer is outside come from outside', async (t) => {
  const files = [
    // A pair, a listener, a stream to the outside and the entry that CRIU writes for its peer, seqpacket, datagram.
    socket(1, 11, 12),
    socket(2, 12, 11),
    socket(3, 13, 0, { state: 10 }),
    socket(4, 14, 99),
    socket(5, 99, 14, { uflags: 1 }),
    socket(6, 16, 98, { type: 5 }),
    socket(7, 17, 97, { type: 2 }),
  ];
  const table = [1, 2, 3, 4, 6, 7].map((id) => descriptor(id, id, 'UNIXSK'));
  const images = smallWith({
    'files.img': files,
    'fdinfo-1.img': table,
    'fdinfo-2.img': [],
    'fs-7.img': [],
    'mm-7.img': [],
  });
  const entries = await list(t, images);
  t.deepEqual(
    entries.map(({ id, isExternal, facts }) => [id, isExternal, facts?.key]),
    [
      [1, false, 'socket:[11]'],
      [2, false, 'socket:[12]'],
      [3, false, 'socket:[13]'],
      [4, true, 'socket:[14]'],
      [6, true, 'socket:[16]'],
      [7, true, 'socket:[17]'],
    ],
  );
  t.deepEqual(
    (await list(t, images, { external: true })).map(({ id }) => id),
    [4, 6, 7],
  );
  const report = new LsText((text) => text);
  const lines = entries.map((entry) => report.entry({ ...entry, callerFds: [] })).join('') + report.end();
  t.regex(
    lines,
    /^--inherit-fd 'fd\[N\]:socket:\[14\]' +UNIXSK +read-write +peer outside, needs a connected unix stream socket +7\/4/m,
  );
  t.regex(lines, /socket:\[13\]' +UNIXSK +read-write +needs a listening unix stream socket +7\/3/);
  t.regex(report.remarks().join('\n'), /^a pair of unix sockets, .* needs both ends: [^\n]*$/);
});

test('a key that takes several open files is told, with one that takes a single one', async (t) => {
  const fifo = (id: number, regf_id: number) => ({ type: 'FIFO', id, fifo: { id, pipe_id: 30, regf_id } });
  const queue = (id: number) => fileEntry(id, '/queue', 2, { mode: 0o010644 });
  const cases: [what: string, entries: { type: string; id: number }[], key: string | undefined][] = [
    ['opens of a file', [fileEntry(20, '/log', 1), fileEntry(21, '/log', 1)], '/log'],
    ['files', [fileEntry(20, '/log', 1), fileEntry(21, '/other', 1)], undefined],
    ['opens of one end of a pipe', [pipeEntry(20, 11, 1), pipeEntry(21, 11, 1)], 'pipe:[11]'],
    ['both ends of a pipe', [pipeEntry(20, 11, 0), pipeEntry(21, 11, 1)], undefined],
    ['opens of a FIFO', [fifo(20, 30), fifo(21, 31), queue(30), queue(31)], '/queue'],
    ['listeners that share a port', [inet(20, 500, {}), inet(21, 501, {})], 'tcp:127.0.0.1:80'],
    ['listeners', [inet(20, 500, {}), inet(21, 501, { src_port: 81 })], undefined],
  ];
  for (const [what, entries, key] of cases) {
    const table = [20, 21].map((id, i) => descriptor(id, id, (entries[i] as { type: string }).type));
    const images = smallWith({ 'files.img': entries, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
    const report = new LsText((text) => text);
    for (const entry of await list(t, images)) report.entry({ ...entry, callerFds: [] });
    const remark = `${key} is open more than once here: its key takes all open files of it; /proc/7/fd/21 takes one`;
    t.deepEqual(report.remarks(), key === undefined ? [] : [remark], what);
  }
});

test('what the text leaves out is named by its descriptors, of many the first', async (t) => {
  const epolls = Array.from({ length: 20 }, (_none, i) => ({
    type: 'EVENTPOLL',
    id: i + 10,
    epfd: { id: i + 10, flags: 2, fown: NO_OWNER },
  }));
  const table = epolls.map(({ id }) => descriptor(id, id, 'EVENTPOLL'));
  const images = smallWith({ 'files.img': epolls, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const report = new LsText((text) => text);
  for (const entry of await list(t, images)) report.entry({ ...entry, callerFds: [] });
  t.deepEqual(report.remarks(), [
    'not listed, since they cannot be inherited: 20 EVENTPOLL (7/10 7/11 7/12 7/13 7/14 7/15 7/16 7/17 …)',
  ]);
});

test('placeholders are told from what cannot be inherited', async (t) => {
  const epoll = { type: 'EVENTPOLL', id: 10, epfd: { id: 10, flags: 2, fown: NO_OWNER } };
  const external = { type: 'EXT', id: 11, ext: { id: 11, fown: NO_OWNER } };
  const table = [descriptor(10, 10, 'EVENTPOLL'), descriptor(11, 11, 'EXT'), descriptor(11, 12, 'EXT')];
  const images = smallWith({ 'files.img': [epoll, external], 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const report = new LsText((text) => text);
  for (const entry of await list(t, images)) report.entry({ ...entry, callerFds: [] });
  t.deepEqual(report.remarks(), [
    'not listed, since a rewrite or a plugin of criu made them: 1 EXT (7/11 7/12)',
    'not listed, since they cannot be inherited: 1 EVENTPOLL (7/10)',
  ]);
});

test('a key of more than 72 characters goes beyond its column and pads no other line', async (t) => {
  const long = `/${'x'.repeat(100)}`;
  const images = smallWith({
    'files.img': [fileEntry(20, '/a', 1), fileEntry(21, '/bcd', 1), fileEntry(22, long, 1)],
    'fdinfo-1.img': [20, 21, 22].map((id) => descriptor(id, id, 'REG')),
    'fdinfo-2.img': [],
  });
  const report = new LsText((text) => text);
  for (const entry of await list(t, images)) report.entry({ ...entry, callerFds: [] });
  const lines = report.end().trimEnd().split('\n');
  t.deepEqual(
    lines.map((line) => line.slice(0, line.indexOf('write')).replace(long, 'LONG')),
    ["--inherit-fd 'fd[N]:/a'    REG  ", "--inherit-fd 'fd[N]:/bcd'  REG  ", "--inherit-fd 'fd[N]:LONG'  REG  "],
  );
});

test('damage is told with its place, whichever pass meets it', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallWith({}));
  const cases: [string, (bytes: Buffer) => Buffer][] = [
    ['files.img', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['fdinfo-1.img', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['fdinfo-2.img', () => image(encodeMessage('fdinfo_entry', descriptor(2, 1, 'PIPE')).subarray(2))],
    ['core-7.img', () => image(Buffer.from([0x1a, 0x7f]))],
    ['core-7.img', () => image(Buffer.from([0x18, 0x01]))],
  ];
  for (const [name, damage] of cases) {
    const file = path.join(directory, name);
    const before = fs.existsSync(file) ? fs.readFileSync(file) : undefined;
    fs.writeFileSync(file, damage(before ?? Buffer.alloc(0)));
    const error = await t.throwsAsync(
      async () => allOf(inspect(await openSource(directory))),
      { instanceOf: FdgraftError },
      name,
    );
    t.is((error as FdgraftError).file, name);
    if (before === undefined) fs.rmSync(file);
    else fs.writeFileSync(file, before);
  }
});

/** A message of numbers and bytes, by field. */
function wire(fields: readonly (readonly [number, number | Buffer])[]): Buffer {
  return Buffer.concat(
    fields.map(([number, value]) =>
      typeof value === 'number'
        ? Buffer.from([number << 3, value])
        : Buffer.concat([Buffer.from([(number << 3) | 2, value.length]), value]),
    ),
  );
}

/** An image of one record; the magic is that of core or fdinfo by what the record is. */
function image(record: Buffer): Buffer {
  const isTable = record[0] !== 0x1a && record[0] !== 0x08 && record[0] !== 0x18;
  const head = Buffer.alloc(12);
  head.writeUInt32LE(0x54564319, 0);
  head.writeUInt32LE(isTable ? 0x56213732 : 0x55053847, 4);
  head.writeUInt32LE(record.length, 8);
  return Buffer.concat([head, record]);
}

test('a memfd has the key of its name, unless another memfd has it too', async (t) => {
  const names = ['one', 'two', 'two', '', 'x\\ö', 'y'.repeat(250)];
  const memfd = (name: string, i: number) => ({
    ...{ name, uid: 0, gid: 0, size: 65536, shmid: 1, seals: 0, inode_id: i + 1 },
  });
  const entry = (i: number) => ({
    type: 'MEMFD',
    id: 10 + i,
    memfd: { id: 10 + i, flags: 2, pos: 0, fown: NO_OWNER, inode_id: i + 1 },
  });
  const images = smallWith({
    'files.img': [...names.map((_, i) => entry(i)), { ...entry(0), id: 20, memfd: { ...entry(0).memfd, id: 20 } }],
    'fdinfo-1.img': [...names.map((_, i) => descriptor(10 + i, i, 'MEMFD')), descriptor(20, 30, 'MEMFD')],
    'fdinfo-2.img': [],
    // CRIU takes the first record of a number.
    'memfd.img': [...names.map(memfd), memfd('later', names.length - 1)],
    'fs-7.img': [],
    'mm-7.img': [],
  });
  t.deepEqual(keys(await list(t, images)), [
    '/memfd:one',
    '/proc/7/fd/1',
    '/proc/7/fd/2',
    '/proc/7/fd/3',
    '/memfd:x\\ö',
    '/proc/7/fd/5',
    '/memfd:one',
  ]);
});
