/** Images of tasks that a dump always has, and a checkpoint lacks: `rewrite` and `inspect` name them. */
import { cpSync, rmSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { inspect, openSource, rewrite, type Warning } from '../../src';
import { allOf } from '../support/all-of';
import { descriptor, type Images, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { smallWith } from '../support/rewriting';

/** What is said of missing images by both; whatever else they say. */
async function told(t: ExecutionContext, directory: string, spec = 'fd[5]:pipe:[4711]'): Promise<string[]> {
  const warnings: Warning[] = [];
  await allOf(inspect(await openSource(directory), { onWarning: (warning) => warnings.push(warning) }));
  const { plan } = await rewrite(await openSource(directory), { specs: [spec], allowUnmatched: true });
  const own = ({ code }: { code: string }) => code === 'IMAGE_MISSING' || code === 'NO_DESCRIPTORS';
  const text = ({ code, message }: { code: string; message: string }) => `${code}: ${message}`;
  const [listed, planned] = [warnings.filter(own).map(text), plan.warnings.filter(own).map(text)];
  t.deepEqual(planned, listed);
  return planned;
}

function without(...names: string[]): Images {
  return Object.fromEntries(Object.entries(smallWith({})).filter(([name]) => !names.includes(name)));
}

const small = (t: ExecutionContext, images: Images) => told(t, writeCheckpoint(temporaryDirectory(t), images));

const missing = (names: string, [is, them] = ['is', 'it']) =>
  `IMAGE_MISSING: ${names} ${is} missing: the tree cannot be restored without ${them}; take ${them} from the dump, or dump again`;
const bare = (who: string, has: string, images: string) =>
  `NO_DESCRIPTORS: ${who} ${has} no descriptors, since there is no ${images}: CRIU restores ${who.split(' ')[0]} without any; if that is not how the dump was made, take the images from the dump, or dump again`;

test('all images are there', async (t) => {
  t.deepEqual(await small(t, smallWith({})), []);
});

for (const name of ['core-7.img', 'core-8.img', 'ids-8.img', 'mm-7.img', 'mm-8.img', 'fs-8.img'])
  test(`a living task without ${name}`, async (t) => {
    t.deepEqual(await small(t, without(name)), [missing(name)]);
  });

test('several images, in the order of pids', async (t) => {
  const names = ['core-7.img', 'mm-7.img', 'fs-7.img', 'core-8.img', 'fs-8.img'];
  t.deepEqual(await small(t, without(...names)), [missing(names.join(', '), ['are', 'them'])]);
});

test('a table without an image, of one task or two', async (t) => {
  t.deepEqual(await small(t, without('fdinfo-1.img')), [bare('task 7', 'has', 'fdinfo-1.img')]);
  t.deepEqual(await small(t, without('fdinfo-1.img', 'fdinfo-2.img')), [
    bare('tasks 7, 8', 'have', 'fdinfo-1.img, fdinfo-2.img'),
  ]);
});

test('a table without records has an image all the same', async (t) => {
  t.deepEqual(await small(t, smallWith({ 'fdinfo-2.img': [] })), []);
});

test('tasks that share a table share its image', async (t) => {
  const ids = { 'ids-8.img': smallWith({})['ids-7.img'] as object[] };
  t.deepEqual(await small(t, { ...without('fdinfo-2.img'), ...ids }), []);
  t.deepEqual(await small(t, { ...without('fdinfo-1.img'), ...ids }), [bare('tasks 7, 8', 'have', 'fdinfo-1.img')]);
});

test('a dead task has a core image alone, and numbers of threads that mean nothing', async (t) => {
  const pstree = [
    { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
    { pid: 8, ppid: 7, pgid: 7, sid: 7, threads: [2242909328] },
  ];
  const dead = { ...without('ids-8.img', 'mm-8.img', 'fs-8.img', 'fdinfo-2.img'), 'pstree.img': pstree };
  t.deepEqual(await small(t, dead), []);
  const { 'core-8.img': _core, ...lost } = dead as Images;
  t.deepEqual(await small(t, lost), [missing('core-8.img')]);
});

test('each thread of a living task has a core image', async (t) => {
  const pstree = [
    { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7, 9, 10] },
    { pid: 8, ppid: 7, pgid: 7, sid: 7, threads: [8] },
  ];
  const images = smallWith({ 'pstree.img': pstree, 'core-9.img': [] });
  t.deepEqual(await small(t, images), [missing('core-10.img')]);
});

test('a thread that pstree.img has in many places is looked for once', async (t) => {
  const many = 1 << 18;
  const task = (pid: number, threads: readonly number[]) => ({
    pid,
    ppid: pid === 7 ? 0 : 7,
    pgid: 7,
    sid: 7,
    threads,
  });
  const pstree = [task(7, [7, ...Array(many).fill(9), 10]), task(8, [8, 9, ...Array(many).fill(10)])];
  const images = smallWith({ 'pstree.img': pstree, 'core-9.img': [] });
  t.deepEqual(await small(t, images), [missing('core-10.img')]);
  t.deepEqual(await small(t, smallWith({ 'pstree.img': pstree })), [
    missing('core-9.img, core-10.img', ['are', 'them']),
  ]);
});

test('more than ten are counted', async (t) => {
  const pids = Array.from({ length: 12 }, (_none, i) => i + 20);
  const pstree = [7, ...pids].map((pid) => ({ pid, ppid: pid === 7 ? 0 : 7, pgid: 7, sid: 7, threads: [pid] }));
  const names = pids.slice(0, 10).map((pid) => `core-${pid}.img`);
  t.deepEqual(await small(t, smallWith({ 'pstree.img': pstree })), [
    missing(`${names.join(', ')} and 2 more`, ['are', 'them']),
  ]);
});

test('a name that CRIU would not print is no image', async (t) => {
  const images = without('core-8.img');
  t.deepEqual(await small(t, { ...images, 'core-08.img': [] }), [missing('core-8.img')]);
  t.deepEqual(await small(t, { ...without('fdinfo-2.img'), 'fdinfo-02.img': [descriptor(2, 1, 'PIPE')] }), [
    bare('task 8', 'has', 'fdinfo-2.img'),
  ]);
});

for (const name of ['core-14716.img', 'core-14717.img', 'ids-14717.img', 'mm-14716.img', 'fs-14717.img'])
  test(`a real dump without ${name}`, async (t) => {
    const directory = path.join(temporaryDirectory(t), 'dump');
    cpSync('fixtures/images/pipe_outside', directory, { recursive: true });
    t.deepEqual(await told(t, directory), []);
    rmSync(path.join(directory, name));
    t.deepEqual(await told(t, directory), [missing(name)]);
  });

test('a layout that no CRIU of today restores lacks what it lacks', async (t) => {
  for (const layout of ['old_by_pid', 'old_ids_in_core']) {
    const directory = path.join(temporaryDirectory(t), 'dump');
    cpSync(`fixtures/images/${layout}`, directory, { recursive: true });
    const warnings: Warning[] = [];
    await allOf(inspect(await openSource(directory), { onWarning: (warning) => warnings.push(warning) }));
    t.deepEqual(
      warnings.map(({ code }) => code),
      ['LAYOUT_NOT_RESTORED'],
      layout,
    );
  }
});
