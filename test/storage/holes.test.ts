import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { explore, inspect, openSource, rewrite } from '../../src';
import { openFile } from '../../src/storage/single-file';
import type { MemberReader } from '../../src/storage/source';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { checkpointWith, HUGE, isSame, opened } from '../support/holes';
import { build } from '../support/native';

/** Terabytes of holes take no disk: those who need not read them pass over them. */

const MIB = 1 << 20;
const SPEC = 'fd[5]:pipe:[4711]';

test.before(() => {
  build();
});

for (const huge of HUGE) {
  test(`${huge} with terabytes of holes: listed, rewritten, and equal to a copy`, async (t) => {
    const directory = checkpointWith(t, huge);
    await opened(directory, async (source) => {
      const keys: (string | undefined)[] = [];
      for await (const { facts } of inspect(source)) keys.push(facts?.key);
      t.true(keys.includes('pipe:[5000]'));
      for await (const row of explore(source, 'fds')) t.truthy(row);
      const parent = temporaryDirectory(t);
      await rewrite(source, { specs: [SPEC], out: path.join(parent, 'out'), link: 'copy' });
      await rewrite(source, { specs: [SPEC], out: path.join(parent, 'out.tar'), to: 'tar' });
      t.true(
        fs.statSync(path.join(parent, 'out.tar')).size <
          2 * MIB + 2 * fs.statSync(path.join(directory, huge)).blocks * 512,
      );
    });
    t.true(await isSame(directory, checkpointWith(t, huge)));
  });
}

test('every reader of a file hears of a signal', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const pages = path.join(directory, 'pages-1.img');
  fs.symlinkSync('pages-1.img', path.join(directory, 'pages-2.img'));
  const stop = new AbortController();
  const { signal } = stop;
  const source = await openSource(directory, { signal });
  const members = source.byName();
  const readers: MemberReader[] = [openFile(pages, signal)];
  for (const name of ['pages-1.img', 'pages-2.img']) {
    readers.push((await (await members.member(name))?.open()) as MemberReader);
  }
  t.is(readers.length, 3);
  stop.abort(new Error('stopped'));
  for (const reader of readers) {
    await t.throwsAsync(async () => reader.read(Buffer.alloc(8), 0, 8), { message: 'stopped' });
    await reader.close();
  }
  await members.close();
});
