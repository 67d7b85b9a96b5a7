/** ROOT belongs to somebody who has put things where a batch keeps its notes: nothing outside of ROOT may change. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pathDigest } from '../../src/batch/path-digest';
import { JobState } from '../../src/batch/record';
import { Root } from '../../src/batch/root';
import { holdDirectoryBelow } from '../../src/storage/below-root';
import { createFileBeside } from '../../src/storage/file-beside';
import { putCheckpoint, rewriteAll, STATE } from '../support/batch';
import { snapshot, temporaryDirectory } from '../support/directories';
import { OTHER, twoUsersTest } from '../support/other-user';

interface Room {
  readonly directory: string;
  readonly canary: string;
  /** Of the output out/ck. */
  readonly state: string;
  readonly name: string;
}

function arrange(t: ExecutionContext): Room {
  const directory = fs.realpathSync(temporaryDirectory(t));
  putCheckpoint(path.join(directory, 'ck'));
  const canary = path.join(directory, 'canary');
  fs.mkdirSync(path.join(canary, 'below'), { recursive: true });
  for (const name of ['file', 'below/file']) fs.writeFileSync(path.join(canary, name), 'not of the batch');
  const name = pathDigest('ck').toString('hex', 0, 16);
  return { directory, canary, state: path.join(directory, 'out', STATE, name.slice(0, 2)), name };
}

function put(place: string, what: (place: string) => void): void {
  fs.rmSync(place, { recursive: true, force: true });
  fs.mkdirSync(path.dirname(place), { recursive: true });
  what(place);
}

const link = (to: string) => (place: string) => fs.symlinkSync(to, place);

/** Where the trap is, what the job comes to, and again when the output is there and has to be made again. */
const TRAPS: Record<string, { lay: (room: Room) => void; first: string; again: string }> = {
  'a link for all notes': {
    lay: ({ directory, canary }) => put(path.join(directory, 'out', STATE), link(canary)),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'a link for the notes of some outputs': {
    lay: ({ state, canary }) => put(state, link(canary)),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'a link for what was there before': {
    lay: ({ state, name, canary }) => put(path.join(state, `${name}.old`), link(canary)),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'a link for what is compared': {
    lay: ({ state, name, canary }) => put(path.join(state, `${name}.aside`), link(canary)),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'a link for a record': {
    lay: ({ state, name, canary }) => put(path.join(state, `${name}.json`), link(path.join(canary, 'file'))),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'another name of a file for a record': {
    lay: ({ state, name, canary }) =>
      put(path.join(state, `${name}.json`), (place) => fs.linkSync(path.join(canary, 'file'), place)),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'a FIFO for a record': {
    lay: ({ state, name }) => put(path.join(state, `${name}.json`), (place) => spawnSync('mkfifo', [place])),
    first: 'failed OUT_UNUSABLE',
    again: 'failed OUT_UNUSABLE',
  },
  'a huge file for a record': {
    lay: ({ state, name }) =>
      put(path.join(state, `${name}.json`), (place) => {
        fs.writeFileSync(place, '');
        fs.truncateSync(place, 2 ** 40);
      }),
    first: 'done',
    again: 'failed OUT_UNUSABLE',
  },
  'a link for the directory of the output': {
    lay: ({ directory, canary }) => put(path.join(directory, 'out/ck'), link(path.join(canary, 'below'))),
    first: 'failed OUT_UNUSABLE',
    again: 'done OUTPUT_CHANGED',
  },
};

for (const [title, { lay, first, again }] of Object.entries(TRAPS)) {
  test(`${title} leads nowhere`, async (t) => {
    const room = arrange(t);
    lay(room);
    const before = snapshot(room.canary);
    t.deepEqual((await rewriteAll(room.directory, ['ck'])).told, { ck: first });
    t.deepEqual(snapshot(room.canary), before);
  });

  test(`${title} leads nowhere when the output is to be made again`, async (t) => {
    const room = arrange(t);
    t.deepEqual((await rewriteAll(room.directory, ['ck'])).told, { ck: 'done' });
    fs.truncateSync(path.join(room.directory, 'out/ck/inventory.img'));
    lay(room);
    const before = snapshot(room.canary);
    t.deepEqual((await rewriteAll(room.directory, ['ck'])).told, { ck: again });
    t.deepEqual(snapshot(room.canary), before);
  });
}

test('a link that takes the place of a directory above ROOT is not followed', (t) => {
  const { directory, canary } = arrange(t);
  fs.mkdirSync(path.join(directory, 'shared'));
  const { start, missing } = new Root(path.join(directory, 'shared/lists'));
  put(path.join(directory, 'shared'), link(canary));
  const before = snapshot(canary);
  t.throws(() => holdDirectoryBelow(start, missing, 'shared'), { code: 'OUT_UNUSABLE' });
  t.deepEqual(snapshot(canary), before);
});

for (const [title, replaced] of [
  ['the directory of an output', 'lists/sub'],
  ['ROOT', 'lists'],
  ['a directory above ROOT', '.'],
] as const) {
  test(`a link that takes the place of ${title} during a job is not followed`, async (t) => {
    const { directory, canary } = arrange(t);
    fs.mkdirSync(path.join(directory, 'shared/lists/sub'), { recursive: true });
    fs.mkdirSync(path.join(canary, 'lists/sub'), { recursive: true });
    fs.mkdirSync(path.join(canary, 'sub'));
    const given = path.join(directory, 'shared/lists');
    const { real, bytes } = new Root(given);
    const root = { given, real, bytes: bytes.toString('latin1') };
    const state = JobState.open(root, 'sub/ck.ls.txt');
    t.teardown(() => state.close());
    const place = path.join(directory, 'shared', replaced);
    fs.renameSync(place, path.join(directory, 'moved'));
    // A link of the user who asks, or of root, counts elsewhere.
    fs.symlinkSync(canary, place);
    const before = snapshot(canary);
    for (const out of [path.join(given, 'sub/ck.ls.txt'), state.madePath, path.join(state.asidePath, 'one')])
      await t.throwsAsync(createFileBeside(out, [], state.fixed), { code: 'OUT_UNUSABLE' });
    t.throws(() => JobState.open(root, 'sub/other'), { code: 'OUT_UNUSABLE' });
    t.deepEqual(snapshot(canary), before);
  });
}

test('a job that goes on changes nothing for others who write below ROOT', async (t) => {
  const { directory, canary } = arrange(t);
  fs.mkdirSync(path.join(directory, 'lists'));
  const given = path.join(directory, 'lists');
  const { real, bytes } = new Root(given);
  const state = JobState.open({ given, real, bytes: bytes.toString('latin1') }, 'ck');
  t.teardown(() => state.close());
  fs.symlinkSync(canary, path.join(given, 'link'));
  const out = path.join(given, 'link/new');
  await t.throwsAsync(createFileBeside(out, [], state.fixed), { code: 'OUT_UNUSABLE' });
  const file = await createFileBeside(out, []);
  await file.commit();
  t.true(fs.existsSync(path.join(canary, 'new')));
});

twoUsersTest('a record of another user does not let a batch remove what it has not made', async (t) => {
  const { directory, state, name } = arrange(t);
  const precious = path.join(directory, 'out/ck/precious');
  fs.mkdirSync(path.dirname(precious), { recursive: true });
  fs.writeFileSync(precious, 'not of the batch');
  fs.mkdirSync(state, { recursive: true });
  const record = { version: 1, output: 'ck', command: 'rewrite', task: '', input: '', content: '', isFine: true };
  const place = path.join(state, `${name}.json`);
  fs.writeFileSync(place, JSON.stringify(record));
  fs.chownSync(place, OTHER, OTHER);
  t.deepEqual((await rewriteAll(directory, ['ck'])).told, { ck: 'failed OUT_UNUSABLE' });
  t.is(fs.readFileSync(precious, 'utf8'), 'not of the batch');
  // Of one's own output, whoever runs the batch now.
  fs.chownSync(path.dirname(precious), OTHER, OTHER);
  t.deepEqual((await rewriteAll(directory, ['ck'])).told, { ck: 'done OPTIONS_CHANGED' });
});

test('notes that vanish during a job are told by the output, not by a place of the batch', async (t) => {
  const { directory, state } = arrange(t);
  // Without a record it is compared with what the job makes, beside the notes.
  fs.mkdirSync(path.join(directory, 'out/ck'), { recursive: true });
  const run = rewriteAll(directory, ['ck']);
  let isOver = false;
  void run.finally(() => {
    isOver = true;
  });
  while (!isOver && !fs.existsSync(state)) await new Promise((resolve) => setImmediate(resolve));
  fs.rmSync(state, { recursive: true, force: true });
  const [job] = (await run).jobs;
  t.is(job?.error?.code, 'OUT_UNUSABLE');
  t.is(job?.error?.file, path.join(directory, 'out/ck'));
});
