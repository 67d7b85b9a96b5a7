import fs from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Explored, type ExploredWhat, explore, FdgraftError, type Gap, openSource } from '../../src';
import { FileNames } from '../../src/checkpoint/explore/file-names';
import { ImagesByName } from '../../src/checkpoint/explore/images-by-name';
import { withNames } from '../../src/checkpoint/explore/with-names';
import { FD_TYPES } from '../../src/schema/generated/images';
import { allOf } from '../support/all-of';
import {
  descriptor,
  fileEntry,
  type Images,
  mapping,
  mmEntry,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, encodeMessage } from '../support/images';

async function rows<What extends ExploredWhat>(t: ExecutionContext, what: What, images: Images) {
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), images));
  const gaps: Gap[] = [];
  const found: Explored[What][] = await allOf(explore(source, what, { onWarning: (gap) => gaps.push(gap) }));
  return { found, gaps: gaps.map(({ code, message }) => `${code}: ${message}`), source };
}

/** All rows and warnings of all four, which must come whatever the images are. */
async function everything(t: ExecutionContext, images: Images) {
  const all: { [what: string]: { found: unknown[]; gaps: string[] } } = {};
  for (const what of ['ps', 'fds', 'mems', 'rss'] as const) all[what] = await rows(t, what, images);
  return all;
}

const task = (pid: number, ppid: number) => ({ pid, ppid, pgid: pid, sid: 7, threads: [pid] });
/** The small checkpoint, of which task 8 has no more than its table, with some images exchanged. */
const smallWith = (images: Images): Images => ({ ...smallCheckpoint(), ...images });

const core = (comm: string, state = 1) => [{ mtype: 1, tc: { task_state: state, comm } }];
const head = encodeMessage('pagemap_head', { pages_id: 1 });
const run = (vaddr: number | string, pages: number, more: object = {}) =>
  encodeMessage('pagemap_entry', { vaddr, compat_nr_pages: pages, ...more });
const vma = (start: number, end: number, more: object = {}) => ({ ...mapping(0, 1), start, end, ...more });

async function tree(t: ExecutionContext, tasks: object[]) {
  const { found, gaps } = await rows(t, 'ps', smallWith({ 'pstree.img': tasks }));
  return {
    shown: found.map(({ pid, depth }) => `${depth}/${pid}`),
    gaps: gaps.filter((gap) => gap.startsWith('TREE')),
  };
}

test('children follow their parent in the order of pstree.img, whatever comes first', async (t) => {
  const { shown, gaps } = await tree(t, [task(9, 8), task(7, 0), task(8, 7), task(10, 8), task(5, 7)]);
  t.deepEqual(shown, ['0/7', '1/8', '2/9', '2/10', '1/5']);
  t.deepEqual(gaps, []);
});

test('tasks that are their own ancestors are there all the same, each once', async (t) => {
  // 12 stands below the ring of 10 and 11, and comes first; 13 is its own parent.
  const { shown, gaps } = await tree(t, [task(12, 11), task(10, 11), task(11, 10), task(7, 0), task(13, 13)]);
  t.deepEqual(shown, ['0/7', '0/11', '1/12', '1/10', '0/13']);
  t.deepEqual(gaps, [
    'TREE_BROKEN: task 11 has parent 10, which descends from it: it is shown as a root',
    'TREE_BROKEN: task 13 has parent 13, which descends from it: it is shown as a root',
  ]);
});

test('several roots, parents that are not there, and one pid twice', async (t) => {
  const { shown, gaps } = await tree(t, [task(7, 0), task(8, 99), task(9, 8), task(20, 0), task(9, 20)]);
  t.deepEqual(shown, ['0/7', '0/20', '1/9', '0/8']);
  t.deepEqual(gaps, ['TREE_BROKEN: task 8 has parent 99, which is not there: it is shown as a root']);
});

test('a chain of tasks that is longer than any stack', async (t) => {
  const chain = Array.from({ length: 20_000 }, (_none, i) => task(i + 1, i));
  const { shown } = await tree(t, chain);
  t.is(shown.length, 20_000);
  t.is(shown.at(-1), '19999/20000');
});

test('names are escaped, and a task without a core image has none', async (t) => {
  const { found, gaps } = await rows(t, 'ps', smallWith({ 'core-7.img': core('\u001b[2J\n\\x') }));
  t.like(found[0], { name: '\\x1b[2J\\x0a\\x5cx', state: 1, threads: [7] });
  t.like(found[1], { name: undefined, state: undefined });
  t.deepEqual(gaps, ['IMAGE_MISSING: task 8 has no core-8.img']);
});

test('of a dead task there is its name, and it is said what is not there', async (t) => {
  const images = smallWith({ 'core-7.img': core('one'), 'core-8.img': core('two', 2) });
  delete images['ids-8.img'];
  const { ps, fds, mems, rss } = await everything(t, images);
  t.like(ps?.found[1], { name: 'two', state: 2, threads: [] });
  t.deepEqual(ps?.gaps, []);
  const dead = 'IMAGE_MISSING: task 8, which was dead at the dump, has no';
  t.deepEqual(fds?.gaps, [`${dead} ids-8.img, no fs-8.img`]);
  t.deepEqual(fds?.found.at(-1), { kind: 'task', pid: 8, isKnown: false });
  const noMappings = 'IMAGE_MISSING: task 7 has no mappings in mm-7.img, and no vmas-7.img';
  t.deepEqual(mems?.gaps, [noMappings, `${dead} mm-8.img`]);
  const noPages = 'IMAGE_MISSING: task 7 has no pagemap-7.img';
  t.deepEqual(rss?.gaps, [noMappings, noPages, `${dead} mm-8.img, no pagemap-8.img`]);
});

// CRIU makes an image with its first record, so that an empty table has none.
test('a living task without a table has no descriptors, and that is no gap', async (t) => {
  const images = smallWith({ 'core-7.img': core('one'), 'core-8.img': core('two') });
  delete images['fdinfo-1.img'];
  const { found, gaps } = await rows(t, 'fds', images);
  t.deepEqual(gaps, ['IMAGE_MISSING: task 8 has no fs-8.img']);
  t.deepEqual(found[0], { kind: 'task', pid: 7, isKnown: true });
  t.is(found[1]?.kind, 'directory');
  const dead = await rows(t, 'fds', { ...images, 'core-7.img': core('one', 6) });
  t.deepEqual(dead.found[0], { kind: 'task', pid: 7, isKnown: false });
  t.true(dead.gaps[0]?.startsWith('IMAGE_MISSING: task 7, which was dead at the dump, has no fdinfo-1.img'));
});

test('directories that lack nearly everything are told all the same', async (t) => {
  const { 'inventory.img': inventory, 'pstree.img': pstree, 'mm-7.img': mm, 'fdinfo-1.img': table } = smallWith({});
  const bare = { 'inventory.img': inventory as object[], 'pstree.img': pstree as object[] };
  for (const { gaps } of Object.values(await everything(t, bare))) t.true(gaps.length >= 2);
  const ids = smallWith({})['ids-7.img'] as object[];
  const nameless = { ...bare, 'mm-7.img': mm as object[], 'ids-7.img': ids, 'fdinfo-1.img': table as object[] };
  const { fds, mems } = await everything(t, nameless);
  t.deepEqual(fds?.found[1], { kind: 'descriptor', fd: 1, closeOnExec: false, file: { id: 2, type: 'PIPE' } });
  t.true(fds?.gaps.includes('IMAGE_MISSING: there is no files.img, which says what files are'));
  t.true(fds?.gaps.includes('ENTRY_MISSING: file id 2 is used as PIPE, and no image has such an entry'));
  t.deepEqual(mems?.found[1], { kind: 'executable', file: { id: 1, type: 'REG' } });
  await t.throwsAsync(rows(t, 'ps', { 'inventory.img': inventory as object[] }), {
    instanceOf: FdgraftError,
    code: 'IMAGE_MISSING',
  });
});

test('an image that is damaged is an error that says where', async (t) => {
  const cut = (name: string, records: object[]) => encodeImage(name, records).subarray(0, -1);
  const damaged: [ExploredWhat, string, Buffer][] = [
    ['ps', 'pstree.img', cut('pstree.img', [task(7, 0)])],
    ['ps', 'core-7.img', cut('core-7.img', core('name'))],
    ['fds', 'fdinfo-1.img', cut('fdinfo-1.img', [descriptor(2, 1, 'PIPE')])],
    ['fds', 'fs-7.img', cut('fs-7.img', [{ cwd_id: 4, root_id: 4 }])],
    ['mems', 'mm-7.img', encodeImage('mm-7.img', [Buffer.from('0800', 'hex')])],
    ['mems', 'mm-7.img', encodeImage('mm-7.img', [Buffer.from('600172020801', 'hex')])],
    ['rss', 'pagemap-7.img', encodeImage('pagemap-7.img', [head, Buffer.from('0801', 'hex')])],
  ];
  for (const [what, name, bytes] of damaged) {
    const error = await t.throwsAsync(rows(t, what, smallWith({ [name]: bytes })), { instanceOf: FdgraftError }, name);
    t.is((error as FdgraftError).file, name);
    t.is((error as FdgraftError).exitCode, 2);
  }
});

test('descriptors have the keys of ls, in the order of their table', async (t) => {
  const files = [
    { type: 'FIFO', id: 7, fifo: { id: 7, pipe_id: 1, regf_id: 8 } },
    fileEntry(8, '/a [fifo]', 0, { mode: 0o010644 }),
    fileEntry(9, 'file[5:77]', 0, { ext: true }),
    fileEntry(4, '/directory*', 0o200000, { mode: 0o040755 }),
    pipeEntry(2, 4711, 1),
  ];
  const table = [
    descriptor(7, 9, 'FIFO'),
    descriptor(9, 3, 'REG', 1),
    descriptor(2, 1, 'PIPE'),
    descriptor(4, 2, 'REG'),
    descriptor(12, 5, 'TTY'),
    descriptor(2, 6, 'REG'),
  ];
  const { found, gaps } = await rows(t, 'fds', smallWith({ 'files.img': files, 'fdinfo-1.img': table }));
  const shown = found.flatMap((row) =>
    row.kind === 'descriptor' ? [[row.fd, row.file.name, row.file.isDirectory ?? false]] : [],
  );
  t.deepEqual(shown.slice(0, -1), [
    [9, '/a \\x5bfifo]', false],
    [3, 'file[5:77]', false],
    [1, 'pipe:[4711]', false],
    [2, '/directory\\x2a', true],
    [5, undefined, false],
    [6, undefined, false],
  ]);
  t.true(gaps.includes('ENTRY_MISSING: file id 2 is used as regular file, and no image has such an entry'));
});

test('names are the same however few rows a pass over the entries is for', async (t) => {
  const images = new ImagesByName(await openSource(writeCheckpoint(temporaryDirectory(t), smallWith({}))));
  const ids = [3, 1, 4, 3, 99, 1];
  async function* unnamed() {
    for (const id of ids) {
      yield { files: [{ id, type: FD_TYPES.REG }], complete: ([file]: readonly { name?: string }[]) => file?.name };
    }
  }
  for (const firstPass of [1, 2, 5, 100]) {
    const gaps: Gap[] = [];
    const names = new FileNames(images, (gap) => gaps.push(gap));
    const wanted = ['/var/log/app.log', '/usr/bin/program', '/', '/var/log/app.log', undefined, '/usr/bin/program'];
    t.deepEqual(await allOf(withNames(unnamed(), names, firstPass)), wanted);
    t.is(gaps.length, 1);
  }
  await images.close();
});

test('hostile mappings: an end before the start, overlaps, ids past 2^32, and those in vmas images', async (t) => {
  const all = '18446744073709551615';
  const mappings = [
    vma(0x5000, 0x4000),
    vma(0x4000, 0x9000, { status: 0x41, shmid: 3, pgoff: all }),
    vma(0x4000, 0x9000, { status: 0x81, shmid: all }),
    vma(0, 0, { start: all, end: all, status: 0xffffffff }),
    vma(1, 2, { status: 0x4041, shmid: 5 }),
  ];
  const apart = [vma(3, 4, { status: 0x101, shmid: 5 }), vma(5, 6, { status: 0x101, shmid: 5 })];
  const images = smallWith({ 'mm-7.img': [mmEntry(1, mappings)], 'vmas-7.img': apart });
  const { found } = await rows(t, 'mems', images);
  const contents = found.flatMap((row) => (row.kind === 'mapping' ? [row.content] : []));
  t.deepEqual(contents, [
    { what: 'anonymous' },
    { what: 'file', file: { id: 3, type: 'REG', name: '/var/log/app.log' }, offset: 2n ** 64n - 1n, isShared: false },
    { what: 'file', file: { id: 2 ** 64, type: 'REG' }, offset: 0n, isShared: true },
    { what: 'sysvipc', number: 1 },
    { what: 'file', file: { id: 5, type: 'MEMFD' }, offset: 0n, isShared: false },
    { what: 'shmem', number: 2 },
    { what: 'shmem', number: 2 },
  ]);
});

test('runs of pages, with the mappings that they lie in', async (t) => {
  const mappings = [vma(0x3000, 0x5000, { status: 0x41, shmid: 3 }), vma(0x5000, 0x6000), vma(0x9000, 0x8000)];
  const pagemap = [
    head,
    // Before any mapping; in the first; across both; past 2^32 pages, in a field of its own; behind all.
    run(0x1000, 1),
    run(0x3000, 1, { flags: 4 }),
    run(0x4000, 2, { flags: 1 }),
    run(0x5000, 0, { nr_pages: 2 ** 33, in_parent: true }),
    run('18446744073709547520', 7),
  ];
  const images = smallWith({ 'mm-7.img': [mmEntry(1, mappings)], 'pagemap-7.img': pagemap });
  const { found } = await rows(t, 'rss', images);
  t.deepEqual(
    found.flatMap((row) =>
      row.kind === 'run' ? [[row.address, row.pages, row.inParent, row.mappings.map(({ index }) => index)]] : [],
    ),
    [
      [0x1000n, 1n, false, []],
      [0x3000n, 1n, false, [0]],
      [0x4000n, 2n, true, [0, 1]],
      [0x5000n, 2n ** 33n, true, [1, 2]],
      [2n ** 64n - 4096n, 7n, false, []],
    ],
  );
  const [first] = found.flatMap((row) => (row.kind === 'run' ? row.mappings : []));
  t.deepEqual(first, {
    index: 0,
    start: 0x3000n,
    end: 0x5000n,
    file: { id: 3, type: 'REG', name: '/var/log/app.log' },
  });
});

test('it stops when it is told to', async (t) => {
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), smallWith({})));
  const controller = new AbortController();
  controller.abort(new Error('enough'));
  await t.throwsAsync(allOf(explore(source, 'fds', { signal: controller.signal })), { message: 'enough' });
});

test.serial('a task without images costs one look at its core image, without an exception', async (t) => {
  const count = 500;
  const tasks = Array.from({ length: count }, (_none, i) => ({
    pid: 7 + i,
    ppid: i === 0 ? 0 : 6 + i,
    pgid: 7,
    sid: 7,
  }));
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), { ...smallWith({}), 'pstree.img': tasks }));
  const { lstatSync } = fs;
  let [looks, thrown] = [0, 0];
  const counting = (...args: Parameters<typeof lstatSync>) => {
    looks += 1;
    try {
      return lstatSync(...args);
    } catch (error) {
      thrown += 1;
      throw error;
    }
  };
  Object.assign(fs, { lstatSync: counting });
  const gaps: Gap[] = [];
  try {
    t.is((await allOf(explore(source, 'ps', { onWarning: (gap) => gaps.push(gap) }))).length, count);
  } finally {
    Object.assign(fs, { lstatSync });
  }
  t.is(gaps.length, count);
  t.true(looks < count + 20, `${looks}`);
  t.is(thrown, 0);
});
