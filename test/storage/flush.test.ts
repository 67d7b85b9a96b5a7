import childProcess from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { flushFolder } from '../../src/storage/flush';
import { temporaryFolder } from '../support/folders';

/** Which paths are flushed, with their places below `folder`, and how often `sync` is started. */
async function flushed(folder: string): Promise<{ readonly paths: string[]; readonly programs: number }> {
  const [fsync, spawn] = [fs.fsync, childProcess.spawn];
  const paths: string[] = [];
  let programs = 0;
  fs.fsync = ((fd: number, done: fs.NoParamCallback) => {
    paths.push(path.relative(folder, fs.readlinkSync(`/proc/self/fd/${fd}`)));
    fsync(fd, done);
  }) as typeof fs.fsync;
  childProcess.spawn = ((...words: Parameters<typeof spawn>) => {
    programs += 1;
    return spawn(...words);
  }) as typeof spawn;
  try {
    await flushFolder(Buffer.from(folder), Buffer.from(path.dirname(folder)));
  } finally {
    fs.fsync = fsync;
    childProcess.spawn = spawn;
  }
  return { paths: paths.sort(), programs };
}

test.serial('all files and folders of a small one are flushed, and no program is started', async (t) => {
  const folder = path.join(temporaryFolder(t), 'small');
  fs.mkdirSync(path.join(folder, 'below'), { recursive: true });
  for (const name of ['a.img', 'below/b.img']) fs.writeFileSync(path.join(folder, name), name);
  fs.symlinkSync('a.img', path.join(folder, 'link'));
  t.deepEqual(await flushed(folder), { paths: ['', 'a.img', 'below', 'below/b.img'], programs: 0 });
});

test.serial('of a large one, the file system is flushed once', async (t) => {
  const folder = path.join(temporaryFolder(t), 'large');
  fs.mkdirSync(folder);
  for (let i = 0; i < 100; i += 1) fs.writeFileSync(path.join(folder, `${i}.img`), 'x');
  t.deepEqual(await flushed(folder), { paths: [], programs: 1 });
});
