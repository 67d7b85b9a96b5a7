import childProcess from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { flushDirectory } from '../../src/storage/flush';
import { temporaryDirectory } from '../support/directories';

/** Which paths are flushed, with their places below `directory`, and how often `sync` is started. */
async function flushed(directory: string): Promise<{ readonly paths: string[]; readonly programs: number }> {
  const [fsync, spawn] = [fs.fsync, childProcess.spawn];
  const paths: string[] = [];
  let programs = 0;
  fs.fsync = ((fd: number, done: fs.NoParamCallback) => {
    paths.push(path.relative(directory, fs.readlinkSync(`/proc/self/fd/${fd}`)));
    fsync(fd, done);
  }) as typeof fs.fsync;
  childProcess.spawn = ((...words: Parameters<typeof spawn>) => {
    programs += 1;
    return spawn(...words);
  }) as typeof spawn;
  try {
    await flushDirectory(Buffer.from(directory), Buffer.from(path.dirname(directory)));
  } finally {
    fs.fsync = fsync;
    childProcess.spawn = spawn;
  }
  return { paths: paths.sort(), programs };
}

test.serial('all files and directories of a small one are flushed, and no program is started', async (t) => {
  const directory = path.join(temporaryDirectory(t), 'small');
  fs.mkdirSync(path.join(directory, 'below'), { recursive: true });
  for (const name of ['a.img', 'below/b.img']) fs.writeFileSync(path.join(directory, name), name);
  fs.symlinkSync('a.img', path.join(directory, 'link'));
  t.deepEqual(await flushed(directory), { paths: ['', 'a.img', 'below', 'below/b.img'], programs: 0 });
});

test.serial('of a large one, the file system is flushed once', async (t) => {
  const directory = path.join(temporaryDirectory(t), 'large');
  fs.mkdirSync(directory);
  for (let i = 0; i < 100; i += 1) fs.writeFileSync(path.join(directory, `${i}.img`), 'x');
  t.deepEqual(await flushed(directory), { paths: [], programs: 1 });
});
