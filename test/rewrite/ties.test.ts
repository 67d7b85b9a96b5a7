import test from 'ava';
import { descriptor, fileEntry, type Images, NO_OWNER, pipeEntry, smallCheckpoint } from '../support/directories';
import type { Record } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

/** What names descriptors by number, and other ends of a pipe. */

const PIPE = 'fd[5]:pipe:[4711]';
const LOG = 'fd[7]:/var/log/app.log';

const lock = (pid: number, fd: number, flag: number) => ({ flag, type: 1, pid, fd, start: 0, len: 0 });
const autofs = (more: object) => ({ pgrp: 7, timeout: 1, minproto: 1, maxproto: 1, mode: 1, ...more });

const TIED: [string, Images, string, RegExp][] = [
  ['a POSIX lock', { 'filelocks.img': [lock(7, 3, 1)] }, LOG, /descriptor 7\/3, .* holds a POSIX lock/],
  ['a flock', { 'filelocks.img': [lock(8, 9, 2), lock(7, 3, 2)] }, LOG, /entry 1: descriptor 7\/3, .* holds a flock/],
  ['an OFD lock', { 'filelocks.img': [lock(7, 3, 4)] }, LOG, /holds a lock of an open file description/],
  ['a lease', { 'filelocks.img': [lock(8, 1, 8)] }, PIPE, /descriptor 8\/1, .* holds a lease/],
  ['an unknown lock', { 'filelocks.img': [lock(7, 3, 16)] }, LOG, /holds a file lock/],
  ['an autofs mount', { 'autofs-9.img': [autofs({ fd: 6 })] }, PIPE, /descriptor 7\/6, .* the pipe of an autofs mount/],
  ['a read end of an autofs mount', { 'autofs-9.img': [autofs({ fd: 99, read_fd: 1 })] }, PIPE, /descriptor 7\/1, /],
];
for (const [what, images, spec, problem] of TIED) {
  test(`${what} on a descriptor that moves stops the rewrite`, async (t) => {
    const error = await refusal(t, smallWith(images), { specs: [spec] });
    t.like(error, { code: 'DESCRIPTOR_TIED', exitCode: 2 });
    t.regex(error.message, problem);
    t.true(error.message.includes(spec));
    t.regex(error.hint ?? '', /only: true/);
  });
}

const FREE: [string, Images, string][] = [
  ['another descriptor', { 'filelocks.img': [lock(7, 9, 2)] }, LOG],
  ['the number in another table', { 'filelocks.img': [lock(8, 3, 2)] }, LOG],
  ['a task that is not there', { 'filelocks.img': [lock(99, 3, 2)] }, LOG],
  ['a catatonic autofs', { 'autofs-9.img': [autofs({ fd: -1 })] }, PIPE],
];
for (const [what, images, spec] of FREE) {
  test(`a lock or mount of ${what} does not`, async (t) => {
    const { plan } = await rewriteImages(t, smallWith(images), { specs: [spec] });
    t.is(plan.placeholders.length, 1);
  });
}

test('only leaves a locked descriptor where it is', async (t) => {
  const images = smallWith({ 'filelocks.img': [lock(7, 1, 2)] });
  t.is((await refusal(t, images, { specs: ['fd[5]:/proc/7/fd/6'] })).code, 'DESCRIPTOR_TIED');
  const only = { inherit: 'fd[5]:/proc/7/fd/6', only: true };
  t.is((await rewriteImages(t, images, { specs: [only] })).plan.placeholders.length, 1);
});

// Watches.
const epoll = (id: number, tfd: object[]) => ({ type: 'EVENTPOLL', id, epfd: { id, flags: 2, fown: NO_OWNER, tfd } });
const watch = (tfd: number, more: object = {}) => ({ id: 9, tfd, events: 1, data: 0, ...more });
const watching = (tfd: object[], more: Images = {}): Images => ({
  ...smallCheckpoint(),
  'files.img': [
    ...(smallCheckpoint()['files.img'] as Record[]).slice(0, 2),
    fileEntry(3, '/dev/random', 1, { mode: 0o020666 }),
    fileEntry(4, '/', 0o200000),
    epoll(9, tfd),
  ],
  'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(9, 8, 'EVENTPOLL')],
  ...more,
});

const WATCHED: [string, Images, string, boolean][] = [
  ['by the number in its own table', watching([watch(1)]), PIPE, true],
  ['by number and inode', watching([watch(1, { dev: 1, inode: 4711, pos: 0 })]), PIPE, true],
  ['not: the inode is another one', watching([watch(1, { dev: 1, inode: 4712, pos: 0 })]), PIPE, false],
  ['not: the number is that of another table', watching([watch(6)]), PIPE, false],
  [
    'a device',
    { ...watching([watch(1)]), 'fdinfo-2.img': [descriptor(3, 1, 'REG'), descriptor(9, 8, 'EVENTPOLL')] },
    'fd[7]:/dev/random',
    true,
  ],
  ['in an older dump', watching([], { 'eventpoll-tfd.img': [watch(1)] }), PIPE, true],
];
for (const [what, images, spec, expected] of WATCHED) {
  test(`watched ${what}`, async (t) => {
    const { plan, source, out } = await rewriteImages(t, images, { specs: [spec] });
    t.deepEqual(checkRewritten(source, out), []);
    t.is(plan.placeholders[0]?.watched === true, expected);
  });
}

test('no epoll watches a regular file: the number is that of something else', async (t) => {
  const files = [
    pipeEntry(2, 4711, 1),
    fileEntry(3, '/log', 1, { mode: 0o100644 }),
    fileEntry(1, '/x', 0),
    fileEntry(4, '/', 0),
  ];
  const images = watching([watch(3)], {
    'files.img': [...files, epoll(9, [watch(3)])],
    'fdinfo-1.img': [descriptor(3, 3, 'REG'), descriptor(9, 8, 'EVENTPOLL')],
  });
  const { plan } = await rewriteImages(t, images, { specs: ['fd[7]:/log'] });
  t.is(plan.placeholders[0]?.watched, undefined);
});

// One end of a pipe.
const bothEnds = (more: Images = {}): Images =>
  smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      pipeEntry(2, 4711, 1),
      pipeEntry(3, 4711, 0),
      fileEntry(4, '/', 0o200000),
      pipeEntry(5, 4712, 0),
    ],
    'fdinfo-1.img': [descriptor(2, 1, 'PIPE'), descriptor(2, 2, 'PIPE')],
    'fdinfo-2.img': [descriptor(3, 0, 'PIPE'), descriptor(5, 1, 'PIPE')],
    ...more,
  });

test('an end that stays, of a pipe whose other end moves, is a warning that says what is lost', async (t) => {
  const read = await rewriteImages(t, bothEnds(), { specs: ['fd[5]:/proc/8/fd/0'] });
  t.deepEqual(
    read.plan.warnings.map(({ code, file_id }) => [code, file_id]),
    [['OTHER_END_STAYS', 3]],
  );
  t.regex(read.plan.warnings[0]?.message ?? '', /fails with EPIPE where no reader stays$/);
  const write = await rewriteImages(t, bothEnds(), { specs: ['fd[5]:/proc/7/fd/1'] });
  t.regex(write.plan.warnings[0]?.message ?? '', /the end that stays reads nothing of what is written/);
  const both = await rewriteImages(t, bothEnds(), { specs: ['fd[5]:/proc/8/fd/0', 'fd[6]:/proc/7/fd/1'] });
  t.deepEqual(both.plan.warnings, [], 'two caller fds for two ends');
  const other = await rewriteImages(t, bothEnds(), { specs: ['fd[5]:/proc/8/fd/1'] });
  t.deepEqual(other.plan.warnings, [], 'the ends of another pipe');
  const dup = await rewriteImages(t, smallWith({}), { specs: [{ inherit: 'fd[5]:/proc/8/fd/1', only: true }] });
  t.deepEqual(dup.plan.warnings, [], 'a dup of the same end');
});

test('one caller fd for both ends is a warning that names the way to take one', async (t) => {
  const { plan } = await rewriteImages(t, bothEnds(), { specs: [PIPE] });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['BOTH_ENDS'],
  );
  t.regex(plan.warnings[0]?.message ?? '', /the keys pipe:\[\d+\]:read and pipe:\[\d+\]:write name one end each$/);
});

test('a lock of the open file is not that of a descriptor that leaves it, which is told', async (t) => {
  const only = { inherit: 'fd[5]:/proc/7/fd/6', only: true };
  for (const [flag, code] of [
    [1, undefined],
    [2, 'LOCK_NOT_SHARED'],
    [4, 'LOCK_NOT_SHARED'],
    [8, 'LOCK_NOT_SHARED'],
  ] as const) {
    const { plan } = await rewriteImages(t, smallWith({ 'filelocks.img': [lock(7, 1, flag)] }), { specs: [only] });
    t.deepEqual(
      plan.warnings.map((warning) => [warning.code, warning.file_id]),
      code === undefined ? [] : [[code, 2]],
      `flag ${flag}`,
    );
  }
  const other = await rewriteImages(t, smallWith({ 'filelocks.img': [lock(7, 3, 2)] }), { specs: [only] });
  t.deepEqual(other.plan.warnings, [], 'the lock of another open file');
});

test('a path of which the image says no type is not taken for what an epoll watches', async (t) => {
  const files = [pipeEntry(2, 4711, 1), fileEntry(3, '/log', 1), fileEntry(1, '/x', 0), fileEntry(4, '/', 0)];
  const images = watching([], {
    'files.img': [...files, epoll(9, [watch(3)])],
    'fdinfo-1.img': [descriptor(3, 3, 'REG'), descriptor(9, 8, 'EVENTPOLL')],
  });
  const { plan } = await rewriteImages(t, images, { specs: ['fd[7]:/log'] });
  t.is(plan.placeholders[0]?.watched, undefined);
});
