/** Memfds that specs name. */
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openSource, type RewriteOptions } from '../../src';
import { resolveKeys } from '../../src/rewrite/resolve-keys';
import { survey } from '../../src/rewrite/survey';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import type { Source } from '../../src/storage/source';
import {
  descriptor,
  type Images,
  NO_OWNER,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const memfd = (id: number, inode_id: number) => ({
  type: 'MEMFD',
  id,
  memfd: { id, flags: 2, pos: 7, fown: NO_OWNER, inode_id },
});
const inode = (inode_id: number, name: string) => ({
  ...{ name, uid: 0, gid: 0, size: 65536, shmid: 1, seals: 0, inode_id },
});

function images(more: Images = {}): Images {
  return smallWith({
    'files.img': [...(smallCheckpoint()['files.img'] as object[]), memfd(20, 1), memfd(21, 2), memfd(22, 3)],
    'memfd.img': [{ ...inode(1, 'one'), seals: 6 }, inode(2, 'two'), inode(3, 'one')],
    'fdinfo-2.img': [20, 21].map((id) => descriptor(id, id, 'MEMFD')).concat(descriptor(2, 1, 'PIPE')),
    ...more,
  });
}

test('a memfd is named by its name, with or without a slash, and by its descriptor', async (t) => {
  for (const key of ['/memfd:one', 'memfd:one', '/proc/8/fd/20', '/memfd:\\x6fne']) {
    const { plan, source, out } = await rewriteImages(t, images(), { specs: [`fd[5]:${key}`] });
    t.deepEqual(checkRewritten(source, out), []);
    t.is(plan.placeholders.length, 1, key);
    t.like(plan.placeholders[0], {
      file_id: 20,
      was: { type: 'MEMFD', offset: 7n },
      kind: { name: 'memfd', seals: 6 },
    });
  }
  const both = images({ 'fdinfo-1.img': [descriptor(22, 3, 'MEMFD')] });
  const { plan } = await rewriteImages(t, both, { specs: ['fd[5]:/memfd:one'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id }) => file_id),
    [20, 22],
  );
});

test('a name that no memfd has matches nothing', async (t) => {
  for (const more of [{}, { 'memfd.img': [] }]) {
    const error = await refusal(t, images(more), { specs: ['fd[5]:/memfd:three'] });
    t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
  }
});

const [VMA_PRIVATE, VMA_SHARED, VMA_AREA_MEMFD] = [1 << 6, 1 << 7, 1 << 14];
const vma = (shmid: number, more: object = {}) => ({
  ...{ start: 4096, end: 8192, pgoff: 0, shmid, prot: 3, flags: 1, status: VMA_AREA_MEMFD | VMA_SHARED, fd: -1 },
  ...more,
});

/** Task 7 has mapped what the rows say; entry 23 is the mapping of memfd 1, and 24 its mapping and descriptor at once. */
function mapped(vmas: readonly object[], more: Images = {}): Images {
  const [mm] = smallCheckpoint()['mm-7.img'] as { vmas?: object[] }[];
  const files = [...(images()['files.img'] as object[]), memfd(23, 1), memfd(24, 1)];
  return images({ 'files.img': files, 'mm-7.img': [{ ...mm, vmas: [...vmas] }], ...more });
}

test('mappings of a memfd go with its descriptors, and CRIU finds the file by a new name', async (t) => {
  const rows = [vma(23), vma(23, { pgoff: 8192, prot: 1 }), vma(22, { status: VMA_AREA_MEMFD | VMA_PRIVATE })];
  for (const key of ['/memfd:one', '/proc/8/fd/20']) {
    const { plan, source, out } = await rewriteImages(t, mapped(rows), { specs: [`fd[5]:${key}`] });
    t.deepEqual(checkRewritten(source, out), []);
    const [first, ...rest] = plan.placeholders;
    t.like(first, { file_id: 20, needs_write: true });
    t.is(first?.key, undefined);
    const own = rest.find(({ file_id }) => file_id === 23);
    t.like(own, { key: '/memfd:fdgraft.1', apply: 'DUP', position: 'CALLER', needs_read: true, needs_write: true });
    t.deepEqual(own?.mapping, { pids: [7], bytes: 12288n, writes: true });
    t.is(rest.length, key === '/memfd:one' ? 2 : 1, 'the other memfd of that name is mapped too');
    t.regex(
      plan.warnings.map(({ message }) => message).join('\n'),
      /the memory that task 7 mapped is the caller's file/,
    );
  }
});

test('an entry that is a mapping and has descriptors stays for the mapping', async (t) => {
  const table = { 'fdinfo-2.img': [descriptor(24, 4, 'MEMFD'), descriptor(2, 1, 'PIPE')] };
  const { plan, source, out } = await rewriteImages(t, mapped([vma(24)], table), {
    specs: [{ inherit: 'fd[5]:/proc/8/fd/4', position: 'saved' }],
  });
  t.deepEqual(checkRewritten(source, out), []);
  const [own, split] = plan.placeholders;
  t.like(own, { file_id: 24, key: '/memfd:fdgraft.1', position: 'CALLER', apply: 'DUP' });
  t.like(split, { split_from: 24, position: 'SAVED', was: { offset: 7n } });
  t.deepEqual(own?.references, []);
});

test('mappings go to the file that gets the descriptors, also if a later spec names the memfd', async (t) => {
  const specs = ['fd[5]:/proc/8/fd/20', 'fd[6]:/memfd:one'];
  const { plan } = await rewriteImages(t, mapped([vma(23)]), { specs });
  t.deepEqual(
    plan.placeholders.map(({ file_id, caller_fd }) => [file_id, caller_fd]),
    [
      [20, 5],
      [23, 5],
    ],
  );
  t.true(plan.warnings.some(({ code, message }) => code === 'SPEC_SHADOWED' && message.startsWith(`${specs[1]}: `)));
});

test('a memfd without descriptors is named by its name', async (t) => {
  const rows = [vma(22, { status: VMA_AREA_MEMFD | VMA_PRIVATE })];
  const source = mapped(rows, { 'memfd.img': [inode(1, 'one'), inode(2, 'two'), inode(3, 'hidden')] });
  const { plan, source: directory, out } = await rewriteImages(t, source, { specs: ['fd[5]:/memfd:hidden'] });
  t.deepEqual(checkRewritten(directory, out), []);
  t.is(plan.placeholders.length, 1);
  t.like(plan.placeholders[0], { file_id: 22, needs_write: false, mapping: { writes: false } });
  t.is(plan.specs[0]?.matches, 1);
});

test('a new name is one that no memfd has', async (t) => {
  const names = [inode(1, 'one'), inode(2, 'fdgraft.1'), inode(3, 'fdgraft.1.0')];
  const { plan, source, out } = await rewriteImages(t, mapped([vma(23)], { 'memfd.img': names }), {
    specs: ['fd[5]:/memfd:one'],
  });
  t.deepEqual(checkRewritten(source, out), []);
  t.is(plan.placeholders.find(({ key }) => key !== undefined)?.key, '/memfd:fdgraft.1.1');
});

test('the file is as long as what is mapped of the memfd, and no longer', async (t) => {
  const table = { 'fdinfo-2.img': [descriptor(2, 1, 'PIPE')] };
  for (const [size, bytes] of [
    [5000, 5000n],
    [0, 0n],
    [8192, 8192n],
    [9000, 8192n],
  ] as const) {
    const source = mapped([vma(23, { end: 12288 })], { ...table, 'memfd.img': [{ ...inode(1, 'one'), size }] });
    const { plan, source: directory, out } = await rewriteImages(t, source, { specs: ['fd[5]:/memfd:one'] });
    t.deepEqual(checkRewritten(directory, out), []);
    t.is(plan.placeholders[0]?.mapping?.bytes, bytes, `of ${size}`);
  }
});

test('of two records of one memfd, the first has its name', async (t) => {
  const source = images({ 'memfd.img': [inode(1, 'one'), inode(1, 'other')] });
  const error = await refusal(t, source, { specs: ['fd[5]:/memfd:other'] });
  t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
  const { plan } = await rewriteImages(t, source, { specs: ['fd[5]:/memfd:one'] });
  t.is(plan.placeholders.length, 1);
});

test('a name with a byte of zero is taken as CRIU reads it', async (t) => {
  const names = [inode(1, 'one'), inode(2, 'fdgraft.1\0x')];
  const { plan } = await rewriteImages(t, mapped([vma(23)], { 'memfd.img': names }), { specs: ['fd[5]:/memfd:one'] });
  t.is(plan.placeholders.find(({ key }) => key !== undefined)?.key, '/memfd:fdgraft.1.0');
});

const REFUSED: {
  readonly [what: string]: readonly [images: Images, specs: RewriteOptions['specs'], text: RegExp, hint: RegExp];
} = {
  'a descriptor that stays': [
    mapped([vma(23)], { 'fdinfo-1.img': [descriptor(24, 4, 'MEMFD')] }),
    ['fd[5]:/proc/8/fd/20'],
    /takes a memfd that tasks have mapped \(file id 23\), and descriptors of the same memfd stay \(file id 24\)/,
    /or give the memfd by its name: --inherit-fd 'fd\[5\]:\/memfd:NAME'/,
  ],
  'one of two descriptors': [
    mapped([vma(23)], { 'fdinfo-1.img': [descriptor(20, 4, 'MEMFD')] }),
    [{ inherit: 'fd[5]:/proc/8/fd/20', only: true }],
    /descriptors of the same memfd stay \(file id 20\)/,
    /name all of its descriptors for this caller fd/,
  ],
  'two files': [
    mapped([vma(23)], { 'fdinfo-1.img': [descriptor(24, 4, 'MEMFD')] }),
    ['fd[5]:/proc/8/fd/20', 'fd[6]:/proc/7/fd/4'],
    /specs 'fd\[5\]:\/proc\/8\/fd\/20' and 'fd\[6\]:\/proc\/7\/fd\/4' take parts of one memfd that tasks have mapped/,
    /give all of it one caller fd/,
  ],
  'huge pages': [
    mapped([vma(23)], { 'memfd.img': [{ ...inode(1, 'one'), hugetlb_flag: 4 }] }),
    ['fd[5]:/memfd:one'],
    /takes a memfd of huge pages/,
    /leave the memfd to CRIU/,
  ],
  'no record': [
    mapped([vma(23)], { 'memfd.img': [inode(2, 'two')] }),
    ['fd[5]:/proc/8/fd/20'],
    /^memfd\.img: files\.img has a memfd of inode 1, and memfd\.img has no record of it/,
    /CRIU fails on this too/,
  ],
  'an end past all files': [
    mapped([vma(23, { pgoff: '18446744073709551615' })]),
    ['fd[5]:/memfd:one'],
    /^mm-7\.img, field vma_entry\.pgoff: task 7 has memory from 4096 to 8192 mapped at offset 18446744073709551615/,
    /the image is damaged/,
  ],
  'a mapping of nothing': [
    mapped([vma(23, { end: 4096 })]),
    ['fd[5]:/memfd:one'],
    /task 7 has memory from 4096 to 4096 mapped at offset 0 of a memfd \(file id 23\): no file has such bytes/,
    /the image is damaged/,
  ],
  'an end before its start': [
    mapped([vma(23, { end: 0 })]),
    ['fd[5]:/memfd:one'],
    /task 7 has memory from 4096 to 0 mapped/,
    /the image is damaged/,
  ],
};

const OPTIONS = {
  'truncate: true': { truncate: true },
  'nonblock: true': { nonblock: true },
  'a hang-up': { peer: 'hangup' },
} as const;

for (const [what, option] of Object.entries(OPTIONS)) {
  test(`${what} is nothing for a memfd, though it be mapped alone`, async (t) => {
    const specs = [{ inherit: 'fd[5]:/memfd:one', ...option }];
    const open = await refusal(t, images(), { specs });
    const alone = await refusal(t, mapped([vma(23)], { 'fdinfo-2.img': [descriptor(2, 1, 'PIPE')] }), { specs });
    t.is(alone.code, open.code);
    t.is(alone.message.replace('entry 7', 'entry 4').replace('file id 23', 'file id 20'), open.message);
  });
}

for (const [what, [source, specs, text, hint]] of Object.entries(REFUSED)) {
  test(`mapped memfd: ${what} is refused`, async (t) => {
    const error = await refusal(t, source, { specs });
    t.is(error.exitCode, 2);
    t.regex(error.message, text);
    t.regex(error.hint ?? '', hint);
  });
}

test('a mapping writes to the file if it is shared and may be written to, now or later', async (t) => {
  const [READ, READ_WRITE] = [0, 2];
  const table = { 'fdinfo-2.img': [descriptor(2, 1, 'PIPE')] };
  for (const [rows, writes] of [
    [[{ prot: 3 }], true],
    [[{ prot: 1 }], false],
    [[{ prot: 1, fdflags: READ }], false],
    [[{ prot: 1, fdflags: READ_WRITE }], true],
    [[{ prot: 3, fdflags: READ_WRITE, status: VMA_AREA_MEMFD | VMA_PRIVATE }], false],
    [[{ prot: 3 }, { prot: 1 }], true],
    [[{ prot: 1 }, { prot: 3 }], true],
  ] as const) {
    const vmas = rows.map((more, i) => vma(23, { start: 8192 * i, end: 8192 * i + 4096, ...more }));
    const { plan, source, out } = await rewriteImages(t, mapped(vmas, table), { specs: ['fd[5]:/memfd:one'] });
    t.deepEqual(checkRewritten(source, out), []);
    t.is(plan.placeholders.find(({ file_id }) => file_id === 23)?.mapping?.writes, writes, JSON.stringify(rows));
  }
});

test('an image of memfds that is damaged stops only what has to do with memfds', async (t) => {
  const damaged = images({ 'memfd.img': Buffer.concat([encodeImage('memfd.img', []), Buffer.from([9, 0])]) });
  const { source, out } = await rewriteImages(t, damaged, { specs: ['fd[5]:/var/log/app.log'] });
  const bytesIn = (directory: string) => fs.readFileSync(path.join(directory, 'memfd.img'));
  t.deepEqual(bytesIn(out), bytesIn(source));
  for (const spec of ['fd[5]:/memfd:one', 'fd[5]:/proc/8/fd/20'])
    t.like(await refusal(t, damaged, { specs: [spec] }), { code: 'IMAGE_TRUNCATED', file: 'memfd.img' }, spec);
});

/** A source that tells which images are opened. */
function watching(source: Source, opened: string[]): Source {
  return {
    ...source,
    members: async function* members() {
      for await (const member of source.members()) {
        const open = () => {
          opened.push(member.name.toString());
          return member.open();
        };
        yield { ...member, name: member.name, kind: member.kind, open };
      }
    },
  };
}

test('the image of memfds is read once to find what specs name, and not without need', async (t) => {
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), images()));
  for (const [key, times] of [
    ['/memfd:one', 1],
    ['/proc/8/fd/20', 1],
    ['/var/log/app.log', 0],
  ] as const) {
    const opened: string[] = [];
    const watched = watching(source, opened);
    const specs = [parseInheritSpec(`fd[5]:${key}`)];
    await survey(watched, specs, await resolveKeys(watched, specs));
    t.is(opened.filter((name) => name === 'memfd.img').length, times, key);
  }
});
