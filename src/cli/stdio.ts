import fs from 'node:fs';

type Name = 'stdout' | 'stderr';

const NUMBERS = { stdout: 1, stderr: 2 } as const;

/** Ends what is drawn in the line of a terminal that the cursor is in. */
export const CLEAR_LINE = '\r\u001b[K';

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
  const fd = NUMBERS[name];
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const kind = kindOf(fd);
  // Node.js forgets the rest of what a file takes only a part of, as a disk does that becomes full.
  if (kind === 'at once') return writeAtOnce(fd, bytes);
  const written = kind === 'waits' ? await writeInThread(fd, bytes) : 0;
  if (written === bytes.length) return;
  const stream = stdio(name);
  if (stream === undefined) return writeAtOnce(fd, bytes.subarray(written));
  await new Promise<void>((resolve, reject) => {
    stream.write(bytes.subarray(written), (error) =>
      error === null || error === undefined ? resolve() : reject(error),
    );
  });
}

/** Whether somebody reads it at a terminal. */
export function isTerminal(name: Name): boolean {
  return kindOf(NUMBERS[name]) === 'terminal';
}

/** Whether somebody may see it at a terminal at once: there, or behind a pipe to a pager or the like. */
export function mayBeShown(name: Name): boolean {
  return kindOf(NUMBERS[name]) !== 'at once';
}

/**
 * False if this process is in the background of its terminal: another program has the line of the cursor, and writing
 * may stop this one (`stty tostop`).
 */
export function isInForeground(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    const stat = fs.readFileSync('/proc/self/stat', 'latin1');
    // proc(5): fields 5 and 8, counted behind the name, which may hold anything. Without a terminal the latter is -1.
    const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return foreground === '-1' || foreground === group;
  } catch {
    return true;
  }
}

type Kind = 'at once' | 'waits' | 'terminal';

const known = new Map<number, Kind>();

function kindOf(fd: number): Kind {
  const before = known.get(fd);
  if (before !== undefined) return before;
  const kind = findKind(fd);
  known.set(fd, kind);
  return kind;
}

/** Of what may make a writer wait: pipes, sockets, terminals. */
function findKind(fd: number): Kind {
  try {
    const stats = fs.fstatSync(fd);
    if (stats.isFIFO() || stats.isSocket()) return 'waits';
    // To ask whether it is a terminal loads a tenth of Node.js.
    if (!stats.isCharacterDevice() || isMemoryDevice(stats)) return 'at once';
    return process.getBuiltinModule('node:tty').isatty(fd) ? 'terminal' : 'at once';
  } catch {
    return 'at once';
  }
}

/** /dev/null and the like: major number 1 of Linux. */
function isMemoryDevice({ rdev }: fs.Stats): boolean {
  return process.platform === 'linux' && rdev >> 8 === 1;
}

function writeAtOnce(fd: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
}

/**
 * Writes as much as goes without a stream, which takes longer to load than a short command to run. In a thread, so
 * that signals come in while a pipe is full. Resolves to how much that was: less than all where the other side made
 * the pipe one that does not wait.
 */
async function writeInThread(fd: number, bytes: Uint8Array): Promise<number> {
  // Elsewhere a pipe is no plain file to write to.
  if (process.platform === 'win32') return 0;
  let done = 0;
  while (done < bytes.length) {
    const written = await new Promise<number | undefined>((resolve, reject) => {
      fs.write(fd, bytes, done, (error, count) => {
        if (error === null) resolve(count);
        else if (error.code === 'EAGAIN') resolve(undefined);
        else reject(error);
      });
    });
    if (written === undefined) return done;
    done += written;
  }
  return done;
}
