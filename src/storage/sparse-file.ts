import fs from 'node:fs';
import { type NativeEnd, type NativeRun, pathOfNative, runNative } from './native-program';
import { SparseMap } from './sparse-map';

/** The unit of the blocks that stat(2) counts. */
export const BLOCK_BYTES = 512;
/** Holes of smaller files are copied as zeros: a process costs more than these. */
const LEAST_BYTES = 1 << 20;

let isThere: boolean | undefined;

/**
 * True for a large file that takes less of the disk than it has bytes, where its holes can be found. Elsewhere than on
 * Linux, and without fdgraft-sparse, holes are copied as zeros.
 */
export function hasHoles({ size, blocks }: fs.Stats): boolean {
  if (size < LEAST_BYTES || blocks * BLOCK_BYTES >= size || process.platform !== 'linux') return false;
  isThere ??= fs.existsSync(pathOfNative('fdgraft-sparse'));
  return isThere;
}

/** Where the open file has data. Throws an error of the system. */
export async function mapOfFile(fd: number, size: number): Promise<SparseMap> {
  const map = new SparseMap(size);
  let rest = '';
  const see = (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [offset, bytes] = line.split(' ').map(Number) as [number, number];
      // A file that has grown since is found out by those who read it.
      if (offset < size) map.push(offset, Math.min(bytes, size - offset));
    }
  };
  await run({ args: ['map'], fds: [fd], see });
  return map;
}

/** Copies an open file to `to`, which is made, with its holes. Throws an error of the system, or the reason of `signal`. */
export async function copySparse(fd: number, to: Buffer, signal?: AbortSignal): Promise<void> {
  const target = fs.openSync(to, 'wx', 0o600);
  try {
    await run({ args: ['copy'], fds: [fd, target], signal });
  } finally {
    fs.closeSync(target);
  }
}

async function run(how: NativeRun): Promise<void> {
  const end = await runNative('fdgraft-sparse', how);
  how.signal?.throwIfAborted();
  if (end.code !== 0) throw explain(end);
}

/** The exit code of fdgraft-sparse is the number of the error. */
function explain(end: NativeEnd): Error {
  if (end.code === null) return new Error(`fdgraft-sparse was killed by ${end.signal}`);
  const { code, errno } = end;
  if (errno === undefined) return new Error(`fdgraft-sparse ended with exit code ${code}`);
  return Object.assign(new Error(errno), { code: errno, errno: -code });
}
