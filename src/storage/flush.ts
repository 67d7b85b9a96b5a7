import fs from 'node:fs';
import { builtins } from '../bytes/builtins';
import { joinPath } from './byte-path';

/** Waits until the file system of `folder` has all of it on disk. `beside`: a path on it that other programs can use. */
export async function flushFolder(folder: Buffer, beside: Buffer): Promise<void> {
  // One flush of the file system costs less than one a file. Node has no syncfs(2); coreutils' sync has.
  if (process.platform === 'linux' && (await runSync(beside))) return;
  await flushEach(folder);
}

/** Waits until the entries of `folder` itself, such as a rename in it, are on disk. */
export async function flushEntries(folder: Buffer): Promise<void> {
  await flushFile(folder);
}

function runSync(folder: Buffer): Promise<boolean> {
  const text = folder.toString('utf8');
  if (!Buffer.from(text).equals(folder)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const child = builtins.childProcess.spawn('sync', ['-f', '--', text], { stdio: 'ignore' });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}

async function flushEach(folder: Buffer): Promise<void> {
  for (const entry of await fs.promises.readdir(folder, { encoding: 'buffer', withFileTypes: true })) {
    const path = joinPath(folder, entry.name as unknown as Buffer);
    if (entry.isDirectory()) await flushEach(path);
    else if (entry.isFile()) await flushFile(path);
  }
  await flushFile(folder);
}

async function flushFile(path: Buffer): Promise<void> {
  const handle = await fs.promises.open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
