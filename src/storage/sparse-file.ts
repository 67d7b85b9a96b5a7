import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { builtins } from '../bytes/builtins';
import { ownFolder } from './own-folder';
import { SparseMap } from './sparse-map';

/** Where `npm run build` puts the program that finds holes: Node.js has no lseek(2). */
const program = () => path.join(ownFolder(), 'native/build/fdgraft-sparse');

/** What stat(2) counts in. */
const BLOCK_BYTES = 512;
/** Holes of smaller files are copied as zeros: a process costs more than these. */
const LEAST_BYTES = 1 << 20;

let isThere: boolean | undefined;

/**
 * True for a large file that takes less of the disk than it has bytes, where its holes can be found. Elsewhere than on
 * Linux, and without fdgraft-sparse, holes are copied as zeros.
 */
export function hasHoles({ size, blocks }: fs.Stats): boolean {
  if (size < LEAST_BYTES || blocks * BLOCK_BYTES >= size || process.platform !== 'linux') return false;
  isThere ??= fs.existsSync(program());
  return isThere;
}

/** Where the open file has data. Throws an error of the system. */
export async function mapOfFile(fd: number, size: number): Promise<SparseMap> {
  const map = new SparseMap(size);
  let rest = '';
  await run('map', [fd], (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [offset, bytes] = line.split(' ').map(Number) as [number, number];
      // A file that has grown since is found out by those who read it.
      if (offset < size) map.push(offset, Math.min(bytes, size - offset));
    }
  });
  return map;
}

/** Copies an open file to `to`, which is made, with its holes. Throws an error of the system. */
export async function copySparse(fd: number, to: Buffer): Promise<void> {
  const target = fs.openSync(to, 'wx', 0o600);
  try {
    await run('copy', [fd, target]);
  } finally {
    fs.closeSync(target);
  }
}

async function run(
  word: 'map' | 'copy',
  fds: readonly number[],
  see: (text: string) => void = () => {},
): Promise<void> {
  const child: ChildProcess = builtins.childProcess.spawn(program(), [word], {
    stdio: ['ignore', 'pipe', 'ignore', ...fds],
    cwd: '/',
  });
  child.stdout?.setEncoding('latin1').on('data', see);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  if (code !== 0) throw explain(code, signal);
}

/** The exit code of fdgraft-sparse is the number of the error. */
function explain(code: number | null, signal: NodeJS.Signals | null): Error {
  if (code === null) return new Error(`fdgraft-sparse was killed by ${signal}`);
  const [name] = getSystemErrorMap().get(-code) ?? [];
  if (name === undefined) return new Error(`fdgraft-sparse ended with exit code ${code}`);
  return Object.assign(new Error(name), { code: name, errno: -code });
}
