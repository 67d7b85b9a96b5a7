import fs from 'node:fs';
import { builtins } from '../bytes/builtins';
import { codeOf } from '../errors/code-of';
import { joinPath } from './byte-path';
import { closeRead } from './close';

/** So many files are flushed one by one: to start a program takes more. */
const FEW_FILES = 32;

/**
 * Waits until the file system of `directory` has all of it on disk. `beside`: a path on it that other programs can use.
 */
export async function flushDirectory(directory: Buffer, beside: Buffer): Promise<void> {
  const few = takeFew(filesBelow(directory), FEW_FILES);
  if (few?.every(mayRead)) {
    await Promise.all(few.map(flushFile));
    return;
  }
  // One flush of the file system costs less than one a file. Node has no syncfs(2); coreutils' sync has.
  if (process.platform === 'linux' && (await runSync(beside))) return;
  for (const file of filesBelow(directory)) await flushFile(file);
}

/**
 * Waits until the entries of `directory` itself, such as a rename in it, are on disk, where the file system does that.
 */
export async function flushEntries(directory: Buffer): Promise<void> {
  try {
    await flushFile(directory);
  } catch (error) {
    if (!CANNOT_FLUSH.has(codeOf(error))) throw error;
  }
}

/** A directory that may not be read, or a file system that flushes none. */
const CANNOT_FLUSH = new Set(['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR']);

function runSync(directory: Buffer): Promise<boolean> {
  const text = directory.toString('utf8');
  if (!Buffer.from(text).equals(directory)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = builtins.childProcess.spawn('sync', ['-f', '--', text], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

/** The files and directories of a tree, a directory behind what is in it, with paths to open them by. */
function* filesBelow(directory: Buffer): Generator<Buffer, void, undefined> {
  for (const entry of fs.readdirSync(directory, { encoding: 'buffer', withFileTypes: true })) {
    const path = joinPath(directory, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
  yield directory;
}

/** All of them; undefined where there are more than `most`, or where one of the directories may not be read. */
function takeFew(all: Iterable<Buffer>, most: number): Buffer[] | undefined {
  const taken: Buffer[] = [];
  try {
    for (const one of all) if (taken.push(one) > most) return undefined;
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error;
    return undefined;
  }
  return taken;
}

/** A file keeps the mode of its original, which may forbid its owner to open it. */
function mayRead(path: Buffer): boolean {
  try {
    fs.accessSync(path, fs.constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** In a thread of the pool, by the functions with callbacks: fs.promises takes milliseconds to load. */
async function flushFile(path: Buffer): Promise<void> {
  const fd = fs.openSync(path, 'r');
  try {
    await new Promise<void>((resolve, reject) => {
      fs.fsync(fd, (error) => (error === null ? resolve() : reject(error)));
    });
  } finally {
    closeRead(fd);
  }
}
