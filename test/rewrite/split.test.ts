import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { openSource, type RewriteOptions, rewrite } from '../../src';
import { atDepth } from '../support/depth';
import {
  descriptor,
  fileEntry,
  type Images,
  mapping,
  mmEntry,
  NO_OWNER,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, encodeMessage, type Record, readImage, uint32 } from '../support/images';
import { checkRewritten } from '../support/independent';
import { imagesOf, specsOf, worlds } from '../support/random-checkpoints';
import { type Rewritten, refusal, rewriteImages, smallWith } from '../support/rewriting';

const PIPE = 'fd[5]:pipe:[4711]';
const LOG = 'fd[7]:/var/log/app.log';
const VMA_FILE_PRIVATE = 64;
const VMA_FILE_SHARED = 128;
const VMA_AREA_SOCKET = 1 << 11;
const VMA_AREA_MEMFD = 1 << 14;

/** Rewrites, and has the independent checker look at the result. */
async function checked(
  t: ExecutionContext,
  images: Images,
  specs: RewriteOptions['specs'],
  options: Partial<RewriteOptions> = {},
): Promise<Rewritten> {
  const result = await rewriteImages(t, images, { specs, ...options });
  t.deepEqual(checkRewritten(result.source, result.out), []);
  return result;
}

const summary = ({ plan }: Rewritten) =>
  plan.placeholders.map(({ file_id, split_from, caller_fd, references }) => [
    caller_fd,
    split_from === undefined ? `${file_id}` : `${file_id} from ${split_from}`,
    references
      .map((one) =>
        'descriptor' in one ? `${one.descriptor.table}/${one.descriptor.fd}` : `scm ${one.scm_right.packet}`,
      )
      .join(' '),
  ]);

const codes = ({ warnings }: Rewritten['plan']) => warnings.map(({ code }) => code);

const SHARED: [string, Images][] = [
  ['an executable', { 'mm-7.img': [mmEntry(3)] }],
  ['a private mapping', { 'mm-8.img': [mmEntry(1, [mapping(3, VMA_FILE_PRIVATE)])] }],
  ['a shared mapping', { 'mm-8.img': [mmEntry(1, [mapping(1, VMA_FILE_PRIVATE), mapping(3, VMA_FILE_SHARED)])] }],
  ['a mapping of an older dump', { 'vmas-8.img': [mapping(3, VMA_FILE_PRIVATE)] }],
  ['a mapping of a socket', { 'mm-8.img': [mmEntry(1, [mapping(3, VMA_FILE_SHARED | VMA_AREA_SOCKET)])] }],
  ['a mapping of a memfd', { 'mm-8.img': [mmEntry(1, [mapping(3, VMA_FILE_SHARED | VMA_AREA_MEMFD)])] }],
  ['a working directory', { 'fs-8.img': [{ cwd_id: 3, root_id: 4 }] }],
  ['a root directory', { 'fs-8.img': [{ cwd_id: 4, root_id: 3 }] }],
  ['a linked remap', { 'remap-fpath.img': [{ orig_id: 1, remap_id: 3, remap_type: 'LINKED' }] }],
  ['a linked remap of an older dump', { 'remap-fpath.img': [{ orig_id: 1, remap_id: 3 }] }],
];
for (const [what, images] of SHARED) {
  test(`an entry that is also ${what} stays, and a new one takes its descriptors`, async (t) => {
    const result = await checked(t, smallWith(images), [LOG]);
    t.deepEqual(summary(result), [[7, '5 from 3', '1/3']]);
    t.deepEqual(
      readImage(result.out, 'files.img').records.map(({ fields: { id, type } }) => [id, type]),
      [
        [1, 'REG'],
        [2, 'PIPE'],
        [3, 'REG'],
        [4, 'REG'],
        [5, 'EXT'],
      ],
    );
  });
}

// Ids that lead to no entry, as a damaged dump may have them, are not free either.
const HIGHER: [string, Images][] = [
  ['a mapping', { 'mm-8.img': [mmEntry(1, [mapping(40, VMA_FILE_PRIVATE)])] }],
  ['a directory', { 'fs-8.img': [{ cwd_id: 40, root_id: 4 }] }],
  ['a removed file', { 'remap-fpath.img': [{ orig_id: 40, remap_id: 1, remap_type: 'GHOST' }] }],
  ['a stand-in', { 'remap-fpath.img': [{ orig_id: 1, remap_id: 40, remap_type: 'LINKED' }] }],
  ['a descriptor', { 'fdinfo-2.img': [descriptor(40, 1, 'REG')] }],
  ['an SCM right', { 'sk-queues.img': [{ id_for: 1, length: 0, scm: [{ type: 1, rights: [40] }] }] }],
  ['the queue of a socket', { 'sk-queues.img': [{ id_for: 40, length: 0 }] }],
  ['an old watch', { 'eventpoll-tfd.img': [{ id: 40, tfd: 3, events: 1, data: 0 }] }],
];
for (const [what, images] of HIGHER) {
  test(`a new id is not that of ${what}`, async (t) => {
    const result = await rewriteImages(t, smallWith({ 'mm-7.img': [mmEntry(3)], ...images }), { specs: [LOG] });
    t.deepEqual(summary(result), [[7, '41 from 3', '1/3']]);
  });
}

test('the new entry has the owner of the old one, and no other field of it', async (t) => {
  const owner = { uid: 4, euid: 5, signum: 10, pid_type: 1, pid: 7 };
  const log = Buffer.concat([
    encodeMessage('file_entry', fileEntry(3, '/var/log/app.log', 1, { fown: owner })),
    Buffer.from([0xf8, 0x3f, 0x05]),
  ]);
  const images = smallWith({
    'files.img': [fileEntry(1, '/usr/bin/program', 0), pipeEntry(2, 4711, 1), log, fileEntry(4, '/', 0o200000)],
    'mm-7.img': [mmEntry(3)],
  });
  const spec = { inherit: LOG, apply: 'reopen' as const };
  const { out, plan } = await checked(t, images, [spec]);
  t.deepEqual(codes(plan), ['FILE_STILL_USED']);
  const { records } = readImage(out, 'files.img');
  t.deepEqual(records[4]?.fields, { type: 'EXT', id: 5, ext: { id: 5, fown: owner } });
  t.true(records[2]?.bytes.equals(log));
});

test('a terminal’s path is an entry that stays', async (t) => {
  const tty = { type: 'TTY', id: 9, tty: { id: 9, tty_info_id: 1, flags: 2, fown: NO_OWNER, regf_id: 3 } };
  const files = (smallCheckpoint()['files.img'] as Record[]).concat(tty);
  t.deepEqual(summary(await checked(t, smallWith({ 'files.img': files }), [LOG])), [[7, '10 from 3', '1/3']]);
});

// FIFOs: the path, the flags and the owner are in another entry.
const fifoWith = (more: Images = {}, owner: object = NO_OWNER): Images =>
  smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      { type: 'FIFO', id: 8, fifo: { id: 8, pipe_id: 4711, regf_id: 9 } },
      pipeEntry(2, 4711, 0),
      fileEntry(9, '/queue', 0, { fown: owner, mode: 0o010644 }),
      fileEntry(4, '/', 0o200000),
      fileEntry(11, '/queue', 1, { mode: 0o010644 }),
      { type: 'FIFO', id: 10, fifo: { id: 10, pipe_id: 4711, regf_id: 11 } },
    ],
    'fdinfo-1.img': [descriptor(8, 5, 'FIFO'), descriptor(8, 6, 'FIFO'), descriptor(2, 0, 'PIPE')],
    'fdinfo-2.img': [descriptor(10, 1, 'FIFO')],
    'fifo-data.img': encodeImage('fifo-data.img', [{ pipe_id: 4711, bytes: 5 }], { extras: [Buffer.from('hello')] }),
    ...more,
  });

test('the path of a FIFO names its ends, wherever it lies; a pipe of that number is another one', async (t) => {
  for (const spec of ['fd[5]:/queue', 'fd[5]:/q*']) {
    const result = await checked(t, fifoWith(), [spec]);
    t.deepEqual(summary(result), [
      [5, '8', '1/5 1/6'],
      [5, '10', '2/1'],
    ]);
    t.like(result.plan.placeholders[0], {
      was: { type: 'FIFO', key: '/queue', flags: 0, pipe_id: 4711 },
      in_flight: [{ image: 'fifo-data.img', bytes: 5, fate: 'REPLAY' }],
    });
    t.deepEqual(
      result.plan.warnings.map(({ code }) => code),
      ['BOTH_ENDS'],
    );
    t.is(result.plan.specs[0]?.matches, 2);
  }
  const pipe = await checked(t, fifoWith(), ['fd[5]:pipe:[4711]']);
  t.deepEqual(summary(pipe), [[5, '2', '1/0']]);
});

test('a FIFO with two paths: a key that takes the ends of one is not said to take every end', async (t) => {
  const images = fifoWith();
  images['files.img'] = (images['files.img'] as { id: number }[]).map((entry) =>
    entry.id === 11 ? fileEntry(11, '/other', 1, { mode: 0o010644 }) : entry,
  );
  for (const spec of ['fd[5]:/queue', 'fd[5]:/q*']) {
    const error = await refusal(t, images, { specs: [spec] });
    t.is(error.code, 'BYTES_IN_FLIGHT');
    t.regex(error.hint ?? '', /; that end has another path: name it too \(fdgraft ls prints its key\)$/);
  }
  t.is(summary(await checked(t, images, ['fd[5]:/queue', 'fd[5]:/other'])).length, 2);
});

test('a descriptor names one end of a FIFO; what stays of it gets the bytes from CRIU', async (t) => {
  const error = await refusal(t, fifoWith(), { specs: ['fd[5]:/proc/7/fd/6'] });
  t.like(error, { code: 'BYTES_IN_FLIGHT', file: 'fifo-data.img' });
  t.regex(error.hint ?? '', /; the key \/queue takes every end that was opened by this path$/);
  const { plan } = await checked(t, fifoWith(), ['fd[5]:/proc/7/fd/6'], { dropInFlight: true });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['OTHER_END_STAYS', 'BYTES_DROPPED'],
  );
  const write = await checked(t, fifoWith(), ['fd[5]:/proc/8/fd/1']);
  t.deepEqual(summary(write), [[5, '10', '2/1']]);
  t.like(write.plan.placeholders[0], { needs_read: false, needs_write: true, in_flight: [] });
  const only = await checked(t, fifoWith(), [{ inherit: 'fd[5]:/proc/7/fd/6', only: true, inFlight: 'drop' }]);
  t.deepEqual(summary(only), [[5, '12 from 8', '1/6']]);
});

test('the owner of a FIFO is that of its path', async (t) => {
  const owner = { uid: 1, euid: 2, signum: 3, pid_type: 1, pid: 7 };
  const kept = await checked(t, fifoWith({}, owner), [{ inherit: 'fd[5]:/queue', apply: 'reopen' }]);
  const ext = readImage(kept.out, 'files.img').records.find(({ fields }) => fields.id === 8)?.fields.ext;
  t.deepEqual(ext, { id: 8, fown: owner });
  const lost = await checked(t, fifoWith({}, owner), ['fd[5]:/queue']);
  t.true(lost.plan.warnings.some(({ code, file_id }) => code === 'OWNER_DROPPED' && file_id === 8));
});

test('a FIFO without its path is damage, where it is named', async (t) => {
  const files = [
    { type: 'FIFO', id: 8, fifo: { id: 8, pipe_id: 1, regf_id: 99 } },
    fileEntry(1, '/x', 0),
    fileEntry(4, '/', 0),
  ];
  const images = fifoWith({ 'files.img': files, 'fdinfo-1.img': [descriptor(8, 5, 'FIFO')], 'fdinfo-2.img': [] });
  const error = await refusal(t, images, { specs: ['fd[5]:/proc/7/fd/5'] });
  t.like(error, { code: 'IMAGES_DISAGREE', file: 'files.img', entry: 0 });
  t.regex(error.message, /file id 8, an entry of type FIFO, has its path in file id 99/);
});

test('what looks up a regular file and finds a pipe is damage, and is told', async (t) => {
  const error = await refusal(t, smallWith({ 'mm-7.img': [mmEntry(2)] }), { specs: [PIPE] });
  t.like(error, { code: 'IMAGES_DISAGREE', exitCode: 2, file: 'files.img', entry: 1 });
  t.regex(error.message, /pipe:\[4711\] \(file id 2\), an entry of type PIPE, is also the executable of task 7/);
  const remapped = smallWith({ 'remap-fpath.img': [{ orig_id: 2, remap_id: 1, remap_type: 'GHOST' }] });
  t.regex((await refusal(t, remapped, { specs: [PIPE] })).message, /part of a remap/);
});

test('file ids that leave no room for a new one are refused', async (t) => {
  const files = (smallCheckpoint()['files.img'] as Record[]).concat(fileEntry(0xffffffff, '/last', 0));
  const images = smallWith({ 'files.img': files, 'mm-7.img': [mmEntry(3)] });
  t.like(await refusal(t, images, { specs: [LOG] }), { code: 'IMAGES_DISAGREE', exitCode: 2 });
});

test('a number under two entries of one table, which CRIU fails on, is refused where one of them is taken', async (t) => {
  const table = [...(smallCheckpoint()['fdinfo-1.img'] as Record[]), descriptor(2, 3, 'PIPE')];
  const error = await refusal(t, smallWith({ 'fdinfo-1.img': table }), { specs: [LOG] });
  t.like(error, { code: 'IMAGES_DISAGREE', file: 'fdinfo-1.img', entry: 4, field: 'fdinfo_entry.fd' });
});

// Remaps.
const removed = (id: number, name: string) => fileEntry(id, name, 1);
const withRemaps = (remaps: object[], more: Images = {}): Images =>
  smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      pipeEntry(2, 4711, 1),
      removed(3, '/log'),
      fileEntry(4, '/', 0o200000),
      removed(5, '/link_remap.5'),
    ],
    'remap-fpath.img': remaps,
    ...more,
  });
const remapsOf = (out: string) => readImage(out, 'remap-fpath.img').records.map(({ fields }) => fields);

test('a remap goes with its entry, and the others stay', async (t) => {
  const others = [
    { orig_id: 1, remap_id: 5, remap_type: 'LINKED' },
    { orig_id: 4, remap_id: 8, remap_type: 'PROCFS' },
  ];
  for (const [mine, code] of [
    [{ orig_id: 3, remap_id: 1, remap_type: 'GHOST' }, 'REMOVED_FILE_DROPPED'],
    [{ orig_id: 3, remap_id: 2 ** 31 + 1 }, 'REMOVED_FILE_DROPPED'],
    [{ orig_id: 3, remap_id: 5, remap_type: 'LINKED' }, 'LINK_LEFT_BEHIND'],
    [{ orig_id: 3, remap_id: 5 }, 'LINK_LEFT_BEHIND'],
  ] as const) {
    const [first, last] = others as [object, object];
    const { plan, out } = await checked(t, withRemaps([first, mine, last]), ['fd[7]:/log']);
    t.deepEqual(
      plan.warnings.map((warning) => warning.code),
      [code],
    );
    t.deepEqual(remapsOf(out), others);
  }
});

test('a remap stays where its entry stays for something else', async (t) => {
  const ghost = { orig_id: 3, remap_id: 1, remap_type: 'GHOST' };
  const { plan, out } = await checked(t, withRemaps([ghost], { 'mm-7.img': [mmEntry(3)] }), ['fd[7]:/log']);
  t.deepEqual(codes(plan), ['FILE_STILL_USED']);
  // Its content is in the images.
  t.notRegex(plan.warnings[0]?.message ?? '', /does not exist/);
  t.deepEqual(remapsOf(out), [ghost]);
});

test('what stands in for a removed file stays as long as that does', async (t) => {
  const remap = { orig_id: 3, remap_id: 5, remap_type: 'LINKED' };
  const open = { 'fdinfo-2.img': [descriptor(5, 1, 'REG')] };
  const alone = await checked(t, withRemaps([remap], open), ['fd[7]:/link_remap.5']);
  t.deepEqual(summary(alone), [[7, '6 from 5', '2/1']]);
  const both = await checked(t, withRemaps([remap], open), ['fd[7]:/link_remap.5', 'fd[8]:/log']);
  t.deepEqual(summary(both), [
    [8, '3', '1/3'],
    [7, '5', '2/1'],
  ]);
  t.deepEqual(remapsOf(both.out), []);
});

test('remaps in a ring, as no dump has them, end', async (t) => {
  const ring = [
    { orig_id: 3, remap_id: 5, remap_type: 'LINKED' },
    { orig_id: 5, remap_id: 3, remap_type: 'LINKED' },
  ];
  const open = { 'fdinfo-2.img': [descriptor(5, 1, 'REG')] };
  const { out } = await checked(t, withRemaps(ring, open), ['fd[7]:/link_remap.5', 'fd[8]:/log']);
  t.deepEqual(remapsOf(out), []);
  const held = await checked(t, withRemaps(ring, { ...open, 'mm-7.img': [mmEntry(3)] }), [
    'fd[7]:/link_remap.5',
    'fd[8]:/log',
  ]);
  t.deepEqual(summary(held), [
    [8, '6 from 3', '1/3'],
    [7, '7 from 5', '2/1'],
  ]);
});

// SCM rights.
const packet = (rights: number[], more: object = {}) => ({ id_for: 4, length: 0, scm: [{ type: 1, rights }], ...more });

test('a right follows to the new entry, in the encoding it had; all around it stays', async (t) => {
  const packed = encodeMessage('sk_packet_entry', packet([2, 3, 3]));
  // The same rights in one packed field, the type behind them, with a number that is longer than it has to be.
  const scm = Buffer.from([0x12, 4, 2, 0x83, 0x00, 1, 0x08, 1, 0xf8, 0x3f, 5]);
  const odd = Buffer.concat([Buffer.from([0x08, 4, 0x10, 3, 0x22, scm.length]), scm, Buffer.from([0xf0, 0x3f, 9])]);
  const credentials = encodeMessage('sk_packet_entry', { id_for: 4, length: 0, scm: [{ type: 2, rights: [3] }] });
  const extras = [Buffer.alloc(0), Buffer.from('abc'), Buffer.alloc(0)];
  const queues = encodeImage('sk-queues.img', [packed, odd, credentials], { extras });
  const images = smallWith({ 'mm-7.img': [mmEntry(3)], 'sk-queues.img': queues });
  const result = await rewriteImages(t, images, { specs: [LOG] });
  t.deepEqual(summary(result), [[7, '5 from 3', '1/3 scm 0 scm 0 scm 1']]);
  const after = fs.readFileSync(path.join(result.out, 'sk-queues.img'));
  const newScm = Buffer.from([0x12, 3, 2, 5, 1, 0x08, 1, 0xf8, 0x3f, 5]);
  const newOdd = Buffer.concat([
    Buffer.from([0x08, 4, 0x10, 3, 0x22, newScm.length]),
    newScm,
    Buffer.from([0xf0, 0x3f, 9]),
  ]);
  const expected = encodeImage(
    'sk-queues.img',
    [encodeMessage('sk_packet_entry', packet([2, 5, 5])), newOdd, credentials],
    { extras },
  );
  t.true(after.equals(expected));
});

test('payloads of packets are copied whatever their size', async (t) => {
  const sizes = [0, 1, 3 << 20, 70_000, (1 << 20) - 40, 5];
  const extras = sizes.map((size, i) => Buffer.alloc(size, i + 1));
  const records = sizes.map((length, i) => packet(i % 2 === 0 ? [3] : [2], { length }));
  const queues = encodeImage('sk-queues.img', records, { extras });
  const images = smallWith({ 'mm-7.img': [mmEntry(3)], 'sk-queues.img': queues });
  const { out, plan } = await checked(t, images, [LOG]);
  const expected = sizes.map((length, i) => packet(i % 2 === 0 ? [5] : [2], { length }));
  t.true(fs.readFileSync(path.join(out, 'sk-queues.img')).equals(encodeImage('sk-queues.img', expected, { extras })));
  t.deepEqual(
    [...(plan.placeholders[0]?.references ?? [])].flatMap((one) => ('scm_right' in one ? one.scm_right.packet : [])),
    [0, 2, 4],
  );
});

// Descriptors by name.
test('a descriptor names its entry, and all its descriptors come along', async (t) => {
  const result = await checked(t, smallWith({}), ['fd[5]:/proc/8/fd/1']);
  t.deepEqual(summary(result), [[5, '2', '1/1 1/6 2/1']]);
});

test('* names the descriptor of every task', async (t) => {
  const images = smallWith({ 'fdinfo-2.img': [descriptor(3, 1, 'REG')] });
  const result = await checked(t, images, ['fd[5]:/proc/*/fd/1']);
  t.deepEqual(summary(result), [
    [5, '2', '1/1 1/6'],
    [5, '3', '1/3 2/1'],
  ]);
  t.deepEqual(result.plan.specs, [{ text: 'fd[5]:/proc/*/fd/1', caller_fd: 5, matches: 2 }]);
});

const only = (inherit: string) => ({ inherit, only: true });

test('only: the named descriptor leaves its entry, which stays for the others', async (t) => {
  const result = await checked(t, smallWith({}), [only('fd[5]:/proc/8/fd/1')]);
  t.deepEqual(summary(result), [[5, '5 from 2', '2/1']]);
});

test('only with *: what the tasks had in common they still have', async (t) => {
  const result = await checked(t, smallWith({}), [only('fd[5]:/proc/*/fd/1')]);
  t.deepEqual(summary(result), [[5, '5 from 2', '1/1 2/1']]);
});

test('what is under way goes with the spec that takes the whole entry', async (t) => {
  const images = smallWith({ 'sk-queues.img': [packet([3])] });
  const only = { inherit: 'fd[5]:/proc/7/fd/3', only: true };
  t.deepEqual(summary(await checked(t, images, [only, LOG])), [
    [5, '3', '1/3'],
    [7, '5 from 3', 'scm 0'],
  ]);
  t.deepEqual(summary(await checked(t, images, [only])), [[5, '5 from 3', '1/3']], 'no spec takes it');
  const both = summary(await checked(t, images, [PIPE, LOG, only]));
  t.deepEqual(
    both,
    [
      [5, '2', '1/1 1/6 2/1'],
      [7, '3', '1/3 scm 0'],
    ],
    'the spec of the whole comes first',
  );
});

test('only for each descriptor: none stays, so one of them takes the entry itself', async (t) => {
  const specs = ['fd[5]:/proc/7/fd/1', 'fd[6]:/proc/7/fd/6', 'fd[7]:/proc/8/fd/1'].map(only);
  t.deepEqual(summary(await checked(t, smallWith({}), specs)), [
    [5, '2', '1/1'],
    [6, '5 from 2', '1/6'],
    [7, '6 from 2', '2/1'],
  ]);
});

test('the first spec that names a descriptor takes it; one that gets nothing is told', async (t) => {
  const one = only('fd[6]:/proc/8/fd/1');
  const first = await checked(t, smallWith({}), [one, PIPE]);
  t.deepEqual(summary(first), [
    [6, '2', '2/1'],
    [5, '5 from 2', '1/1 1/6'],
  ]);
  t.deepEqual(first.plan.warnings, []);
  const last = await checked(t, smallWith({}), [PIPE, one]);
  t.deepEqual(summary(last), [[5, '2', '1/1 1/6 2/1']]);
  t.deepEqual(
    last.plan.warnings.map(({ code, message }) => `${code} ${message}`),
    ['SPEC_SHADOWED fd[6]:/proc/8/fd/1: fd[5]:pipe:[4711] takes all its entries'],
  );
});

test('only for the one descriptor of an entry takes the entry', async (t) => {
  t.deepEqual(summary(await checked(t, smallWith({}), [only('fd[7]:/proc/7/fd/3')])), [[7, '3', '1/3']]);
});

test('a descriptor of a table that two tasks share is one, whoever names it', async (t) => {
  const images = smallWith({ 'ids-8.img': [{ vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1 }] });
  const result = await checked(t, images, [only('fd[5]:/proc/8/fd/6')]);
  t.deepEqual(summary(result), [[5, '5 from 2', '1/6']]);
  t.like(result.plan.placeholders[0]?.references.map((one) => one)[0], { descriptor: { pids: [7, 8] } });
});

// Both ends of a pipe, twice the read end.
const twoEnds = (more: Images = {}): Images =>
  smallWith({
    'files.img': [fileEntry(1, '/x', 0), pipeEntry(2, 4711, 0), pipeEntry(3, 4711, 1), pipeEntry(5, 4711, 0o4000)],
    'fdinfo-1.img': [descriptor(2, 0, 'PIPE'), descriptor(3, 1, 'PIPE'), descriptor(5, 2, 'PIPE')],
    'fdinfo-2.img': [descriptor(3, 1, 'PIPE')],
    'fs-7.img': [],
    'mm-7.img': [],
    'pipes-data.img': encodeImage('pipes-data.img', [{ pipe_id: 4711, bytes: 5 }], { extras: [Buffer.from('hello')] }),
    ...more,
  });

test('a key names one end of a pipe, and CRIU\u2019s own key both', async (t) => {
  const read = await checked(t, twoEnds(), ['fd[5]:pipe:[4711]:read']);
  t.deepEqual(summary(read), [
    [5, '2', '1/0'],
    [5, '5', '1/2'],
  ]);
  t.like(read.plan.placeholders[0], { needs_read: true, needs_write: false, was: { key: 'pipe:[4711]' } });
  t.like(read.plan.placeholders[0]?.in_flight[0], { bytes: 5, fate: 'REPLAY' });
  t.regex(read.plan.warnings[0]?.message ?? '', /and the other one, pipe:\[4711\]:write, stays in the tree/);
  const write = await checked(t, twoEnds(), ['fd[5]:pipe:[4711]:write']);
  t.deepEqual(summary(write), [[5, '3', '1/1 2/1']]);
  t.regex(write.plan.warnings[0]?.message ?? '', /and the other one, pipe:\[4711\]:read, stays in the tree/);
  const each = await checked(t, twoEnds(), ['fd[5]:pipe:[4711]:write', 'fd[6]:pipe:[4711]']);
  t.deepEqual(summary(each), [
    [6, '2', '1/0'],
    [5, '3', '1/1 2/1'],
    [6, '5', '1/2'],
  ]);
  const both = await checked(t, twoEnds(), ['fd[5]:pipe:[4711]']);
  t.deepEqual(
    both.plan.warnings.map(({ code, message }) => `${code} ${message.replace(/^.*; /, '')}`),
    ['BOTH_ENDS the keys pipe:[4711]:read and pipe:[4711]:write name one end each'],
  );
});

test('an end that reads and writes is both', async (t) => {
  const files = [fileEntry(1, '/x', 0), pipeEntry(2, 4711, 0), pipeEntry(3, 4711, 2), pipeEntry(5, 4711, 1)];
  const images = twoEnds({ 'files.img': files });
  t.deepEqual(
    summary(await checked(t, images, ['fd[5]:pipe:[4711]:read'])).map(([, id]) => id),
    ['2', '3'],
  );
  const error = await refusal(t, images, { specs: ['fd[5]:/proc/7/fd/0'] });
  t.regex(error.hint ?? '', /the key pipe:\[4711\] takes every end/);
  const write = await checked(t, images, ['fd[5]:pipe:[4711]:write'], { dropInFlight: true });
  t.deepEqual(
    summary(write).map(([, id]) => id),
    ['3', '5'],
  );
});

test('ends that only SCM rights hold are named one by one', async (t) => {
  const rights = [{ id_for: 9, length: 0, scm: [{ type: 1, rights: [2, 3] }] }];
  const files = [fileEntry(1, '/x', 0), pipeEntry(2, 4711, 0), pipeEntry(3, 4711, 1)];
  const images = twoEnds({
    'files.img': files,
    'fdinfo-1.img': [],
    'fdinfo-2.img': [],
    'sk-queues.img': rights,
  });
  const result = await checked(t, images, ['fd[5]:pipe:[4711]:write', 'fd[6]:pipe:[4711]:read']);
  t.deepEqual(summary(result), [
    [6, '2', 'scm 0'],
    [5, '3', 'scm 0'],
  ]);
});

const MISSING: [string, RegExp][] = [
  ['fd[5]:/proc/9/fd/1', /there is no task 9; there are 7, 8/],
  ['fd[5]:/proc/8/fd/2', /task 8 has no descriptor 2; it has 1/],
  ['fd[5]:/proc/*/fd/77', /no task has a descriptor 77; there are 1, 3, 6, 9/],
];
for (const [spec, reason] of MISSING) {
  test(`${spec} matches nothing, and it is said why`, async (t) => {
    const error = await refusal(t, smallCheckpoint(), { specs: [spec] });
    t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
    t.regex(error.message, reason);
  });
}

test('the descriptors of all tables are listed, up to twenty', async (t) => {
  const listed = async (numbers: readonly number[]) => {
    const images = smallWith({ 'fdinfo-2.img': numbers.map((fd) => descriptor(2, fd, 'PIPE')) });
    const error = await refusal(t, images, { specs: ['fd[5]:/proc/*/fd/77'] });
    return /there are (.*)$/m.exec(error.message)?.[1];
  };
  const upTo = (last: number) => Array.from({ length: last - 9 }, (_, i) => i + 10);
  t.is(await listed([12, 30]), '1, 3, 6, 9, 12, 30');
  t.is(await listed(upTo(24)), ['1, 3, 6, 9', ...upTo(24)].join(', '));
  t.is(await listed(upTo(25)), ['1, 3, 6, 9', ...upTo(25)].join(', '));
  t.is(await listed(upTo(26)), `${['1, 3, 6, 9', ...upTo(25)].join(', ')}, …`);
  t.is(await listed(upTo(70)), `${['1, 3, 6, 9', ...upTo(25)].join(', ')}, …`);
});

test('a dead task has no descriptors', async (t) => {
  const { 'ids-8.img': _gone, ...images } = smallCheckpoint();
  const error = await refusal(t, images, { specs: ['fd[5]:/proc/8/fd/1'] });
  t.regex(error.message, /task 8 is dead/);
});

test('a descriptor of a type that cannot be inherited is refused, with the reason', async (t) => {
  const epoll = { type: 'EVENTPOLL', id: 9, epfd: { id: 9, flags: 2, fown: NO_OWNER } };
  const files = (smallCheckpoint()['files.img'] as Record[]).concat(epoll);
  const images = smallWith({ 'files.img': files, 'fdinfo-2.img': [descriptor(9, 1, 'EVENTPOLL')] });
  const error = await refusal(t, images, { specs: ['fd[5]:/proc/8/fd/1'] });
  t.like(error, { code: 'SPEC_UNSUPPORTED', exitCode: 2, file: 'files.img', entry: 4 });
  t.regex(
    error.message,
    /names file id 9, an entry of type EVENTPOLL, and these cannot be inherited: the caller's epoll/,
  );
});

test('a directory is taken by its path, by that with a slash by its descriptor, and by a glob with a slash at its end', async (t) => {
  const directory = [
    fileEntry(4, '/srv', 0o200000, { mode: 0o040755 }),
    pipeEntry(2, 4711, 1),
    fileEntry(1, '/srv/x', 0),
  ];
  const table = [descriptor(4, 9, 'REG'), descriptor(1, 8, 'REG'), descriptor(2, 1, 'PIPE')];
  const open = smallWith({ 'files.img': directory, 'fdinfo-1.img': table });
  for (const spec of ['fd[5]:/srv', 'fd[5]:/srv/', 'fd[5]:/proc/7/fd/9', 'fd[5]:/s*/', 'fd[5]:**/', 'fd[5]:/**/srv/']) {
    const { plan } = await checked(t, open, [spec]);
    t.like(plan.placeholders, [{ split_from: 4, was: { type: 'REG', key: '/srv/' }, kind: { name: 'directory' } }]);
  }
  const positioned = await refusal(t, open, { specs: [{ inherit: 'fd[5]:/srv', position: 'end' }] });
  t.like(positioned, { code: 'SPEC_UNSUPPORTED', file: 'files.img', entry: 0 });
  t.regex(positioned.message, /has position end, and \/srv\/ \(file id 4\) is a directory/);
  t.deepEqual(
    summary(await rewriteImages(t, open, { specs: ['fd[5]:/**'] })),
    [[5, '5 from 1', '1/8']],
    'a glob without one passes over it',
  );
  t.regex((await refusal(t, open, { specs: ['fd[5]:/srv/*/'] })).message, /matches nothing/, 'and x is no directory');
});

// Positions and owners.
test('position saved needs an offset', async (t) => {
  const spec = { inherit: PIPE, position: 'saved' as const };
  const error = await refusal(t, smallCheckpoint(), { specs: [spec] });
  t.like(error, { code: 'SPEC_SYNTAX', exitCode: 2 });
  t.regex(error.message, /recorded no offset of pipe:\[4711\] \(file id 2\)/);
});

test('apply and position get into the plan, and keep the owner where CRIU can set it', async (t) => {
  const own = { uid: 0, euid: 0, signum: 0, pid_type: 1, pid: 8 };
  const log = (fown: object) => fileEntry(3, '/var/log/app.log', 1, { pos: 162, fown });
  const images = (fown: object) =>
    smallWith({ 'files.img': [fileEntry(1, '/x', 0), pipeEntry(2, 4711, 1), log(fown), fileEntry(4, '/', 0o200000)] });
  for (const [options, kept] of [
    [{}, false],
    [{ apply: 'dup' }, false],
    [{ apply: 'reopen' }, true],
    [{ position: 'saved' }, true],
    [{ position: 'end' }, true],
  ] as const) {
    const { plan } = await checked(t, images(own), [{ inherit: LOG, ...options }]);
    t.deepEqual(
      plan.warnings.map(({ code }) => code),
      kept ? [] : ['OWNER_DROPPED'],
      JSON.stringify(options),
    );
    t.like(plan.placeholders[0], {
      apply: 'apply' in options ? options.apply.toUpperCase() : 'AUTO',
      position: 'position' in options ? options.position.toUpperCase() : 'CALLER',
    });
  }
  const { plan } = await checked(t, images({ ...own, pid: 99 }), [{ inherit: LOG, apply: 'reopen' }]);
  t.regex(
    plan.warnings[0]?.message ?? '',
    /process 99 got signal SIGIO on I\/O; that is not restored, since that is none/,
  );
});

// Whatever is asked of whatever refers to whatever, the checker finds nothing.
test('any references and any specs: the result is sound', async (t) => {
  const top = temporaryDirectory(t);
  const runs = atDepth(60, 200);
  let rewritten = 0;
  await fc.assert(
    fc.asyncProperty(worlds, async (world) => {
      const source = writeCheckpoint(top, imagesOf(world));
      const out = `${source}-out`;
      await rewrite(await openSource(source), { out, allowUnmatched: true, specs: specsOf(world) });
      const problems = checkRewritten(source, out);
      fs.rmSync(source, { recursive: true });
      fs.rmSync(out, { recursive: true });
      rewritten += 1;
      t.deepEqual(problems, []);
    }),
    { numRuns: runs },
  );
  t.true(rewritten >= runs);
});

test('a claimed length of a payload is not believed', async (t) => {
  const queues = Buffer.concat([
    encodeImage('sk-queues.img', []),
    uint32(encodeMessage('sk_packet_entry', packet([3], { length: 0xfffffff0 })).length),
    encodeMessage('sk_packet_entry', packet([3], { length: 0xfffffff0 })),
  ]);
  const error = await refusal(t, smallWith({ 'mm-7.img': [mmEntry(3)], 'sk-queues.img': queues }), { specs: [LOG] });
  t.like(error, { code: 'IMAGE_TRUNCATED', file: 'sk-queues.img', entry: 0 });
});

test('a message of a packet that holds no split right keeps its encoding', async (t) => {
  // Rights of 1 with a length that is longer than it has to be, beside a message with 3.
  const other = Buffer.from([0x22, 0x84, 0x00, 0x08, 1, 0x10, 1]);
  const record = Buffer.concat([encodeMessage('sk_packet_entry', packet([3])), other]);
  const images = smallWith({ 'mm-7.img': [mmEntry(3)], 'sk-queues.img': [record] });
  const { out } = await checked(t, images, [LOG]);
  const expected = Buffer.concat([encodeMessage('sk_packet_entry', packet([5])), other]);
  t.true(readImage(out, 'sk-queues.img').records[0]?.bytes.equals(expected));
});

test('the id of a descriptor keeps its encoding if the entry keeps its id', async (t) => {
  const id = [0x08, 0x83, 0x00];
  const record = Buffer.from([...id, 0x10, 0, 0x18, 1, 0x20, 3]);
  const { out } = await checked(t, smallWith({ 'fdinfo-1.img': [record] }), [LOG]);
  const [after] = readImage(out, 'fdinfo-1.img').records;
  t.like(after?.fields, { id: 3, fd: 3, type: 'EXT' });
  t.deepEqual([...(after?.bytes ?? [])].slice(0, 3), id);
});

test('of a packet, only rights are replaced, wherever else their numbers stand', async (t) => {
  const scm = (...bytes: number[]) => Buffer.from([0x22, bytes.length, ...bytes]);
  const head = encodeMessage('sk_packet_entry', { id_for: 4, length: 0 });
  const credentials = scm(0x08, 2, 0x10, 3);
  // Two runs of rights, the second with a length that is longer than it has to be.
  const runs = (id: number) => scm(0x08, 1, 0x12, 1, id, 0x12, 0x81, 0x00, 1);
  const packets = (id: number) => [Buffer.concat([head, credentials, runs(id)]), Buffer.concat([head, runs(id)])];
  const { out } = await checked(t, smallWith({ 'mm-7.img': [mmEntry(3)], 'sk-queues.img': packets(3) }), [LOG]);
  t.deepEqual(fs.readFileSync(path.join(out, 'sk-queues.img')), encodeImage('sk-queues.img', packets(5)));
  // The type of a message with rights is 1, too.
  const ofProgram = await checked(t, smallWith({ 'sk-queues.img': [packet([1])] }), ['fd[5]:/usr/bin/program']);
  t.deepEqual(fs.readFileSync(path.join(ofProgram.out, 'sk-queues.img')), encodeImage('sk-queues.img', [packet([5])]));
});

test('a ghost that another entry has too is not lost, and a dead /proc has no content', async (t) => {
  const open = { 'fdinfo-2.img': [descriptor(5, 1, 'REG')] };
  const ghosts = [3, 5].map((orig_id) => ({ orig_id, remap_id: 1, remap_type: 'GHOST' }));
  t.deepEqual(codes((await checked(t, withRemaps(ghosts, open), ['fd[7]:/log'])).plan), ['OTHER_OPEN_STAYS']);
  const both = await checked(t, withRemaps(ghosts, open), ['fd[7]:/log', 'fd[8]:/link_remap.5']);
  t.deepEqual(
    both.plan.warnings.map(({ code }) => code),
    ['REMOVED_FILE_DROPPED', 'REMOVED_FILE_DROPPED'],
  );
  const dead = [{ orig_id: 3, remap_id: 8, remap_type: 'PROCFS' }];
  t.deepEqual((await checked(t, withRemaps(dead), ['fd[7]:/log'])).plan.warnings, []);
});

test('remaps and matches by the ten thousand', async (t) => {
  const ids = Array.from({ length: 20_000 }, (_, i) => 10 + i);
  const images = smallWith({
    'files.img': [fileEntry(1, '/x', 0), fileEntry(3, '/log', 1), ...ids.map((id) => fileEntry(id, `/many/${id}`, 1))],
    'fdinfo-1.img': [descriptor(3, 1, 'REG'), ...ids.map((id) => descriptor(id, id, 'REG'))],
    'fdinfo-2.img': [],
    'remap-fpath.img': [
      { orig_id: 1, remap_id: 3, remap_type: 'LINKED' },
      ...ids.map((id) => ({ orig_id: 3, remap_id: id, remap_type: 'LINKED' })),
    ],
    'mm-7.img': [mmEntry(1)],
    'fs-7.img': [{ cwd_id: 1, root_id: 1 }],
  });
  const specs = ['fd[5]:/log', ...ids.slice(0, 10_000).map((id) => `fd[6]:/proc/7/fd/${id}`), 'fd[7]:/many/*'];
  const { plan } = await rewriteImages(t, images, { specs });
  t.is(plan.placeholders.length, 20_001);
  t.true(
    plan.placeholders.every(({ split_from }) => split_from !== undefined),
    'each stands in for a removed file',
  );
});

const DAMAGED: [string, Images, string, string, RegExp][] = [
  [
    'a descriptor whose entry is missing',
    { 'fdinfo-2.img': [descriptor(77, 1, 'REG')] },
    '/proc/8/fd/1',
    'IMAGES_DISAGREE',
    /names a descriptor of file id 77, and there is no such entry/,
  ],
  [
    'an entry without its member',
    { 'files.img': [{ type: 'PIPE', id: 2 }] },
    '/proc/8/fd/1',
    'IMAGE_MALFORMED',
    /file id 2 is of type PIPE and lacks the member/,
  ],
  [
    'an entry with another id inside',
    { 'files.img': [{ ...pipeEntry(2, 4711, 1), id: 6 }], 'fdinfo-2.img': [descriptor(6, 1, 'PIPE')] },
    'pipe:[4711]',
    'IMAGES_DISAGREE',
    /file id 6 has the id 2 inside/,
  ],
];
for (const [what, images, key, code, problem] of DAMAGED) {
  test(`${what} is damage, and told`, async (t) => {
    const error = await refusal(t, smallWith(images), { specs: [`fd[5]:${key}`] });
    t.like(error, { code, exitCode: 2, file: 'files.img' });
    t.regex(error.message, problem);
  });
}

test('a thread is named by its task', async (t) => {
  const tasks = [
    { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7, 9] },
    (smallCheckpoint()['pstree.img'] as Record[])[1] as Record,
  ];
  const error = await refusal(t, smallWith({ 'pstree.img': tasks }), { specs: ['fd[5]:/proc/9/fd/1'] });
  t.regex(error.message, /9 is a thread of task 7/);
});
