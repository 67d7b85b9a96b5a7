import fs from 'node:fs';

type Name = 'stdout' | 'stderr';

const NUMBERS = { stdout: 1, stderr: 2 } as const;

/** A standard stream; undefined if it cannot be used, as a terminal that is gone. */
export function stdio(name: Name): NodeJS.WriteStream | undefined {
  try {
    const stream = process[name];
    // Each failure is told to the call that it belongs to.
    if (stream.listenerCount('error') === 0) stream.on('error', () => {});
    return stream;
  } catch {
    return undefined;
  }
}

/** Writes all of it to a standard stream. Rejects with what the system says if that fails. */
export async function writeAll(name: Name, data: string | Uint8Array): Promise<void> {
  const stream = takesTime(NUMBERS[name]) ? stdio(name) : undefined;
  // Node.js forgets the rest of what a file takes only a part of, as a disk does that becomes full.
  if (stream === undefined) return writeAtOnce(NUMBERS[name], typeof data === 'string' ? Buffer.from(data) : data);
  await new Promise<void>((resolve, reject) => {
    stream.write(data, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
}

const known = new Map<number, boolean>();

/** True for what may make a writer wait: terminals, pipes, sockets. */
function takesTime(fd: number): boolean {
  const before = known.get(fd);
  if (before !== undefined) return before;
  const is = isWaitedFor(fd);
  known.set(fd, is);
  return is;
}

function isWaitedFor(fd: number): boolean {
  try {
    const stats = fs.fstatSync(fd);
    return (
      stats.isFIFO() ||
      stats.isSocket() ||
      (stats.isCharacterDevice() && process.getBuiltinModule('node:tty').isatty(fd))
    );
  } catch {
    return false;
  }
}

function writeAtOnce(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
}
