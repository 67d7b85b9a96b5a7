import fs from 'node:fs';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import type { HeldDirectory } from './held-directory';
import { type NativeEnd, pathOfNative, runNative } from './native-program';

/** The program that makes the system call which Node.js has not. */
const PROGRAM = 'fdgraft-exchange';

/** Throws FdgraftError where directories cannot be exchanged in one step here. `directory`: how messages name it. */
export function checkExchange(directory: string): void {
  if (process.platform !== 'linux') throw messages.cannotExchange(directory, 'needs Linux');
  const program = pathOfNative(PROGRAM);
  if (!fs.existsSync(program)) throw messages.cannotExchange(directory, `needs ${program}, which npm run build makes`);
}

/** A name in a directory that is held open. */
export interface Place {
  readonly directory: HeldDirectory;
  readonly name: Buffer;
}

/**
 * Exchanges two directories of one file system in one step: whoever looks sees one of them at each place, always.
 * Throws FdgraftError where that was not done. `directory`: how messages name it.
 */
export async function exchange(a: Place, b: Place, directory: string): Promise<void> {
  const inode = () => fs.lstatSync(joinPath(a.directory.path, a.name), { bigint: true }).ino;
  const before = inode();
  const end = await runProgram(a, b);
  // What counts is what was done: a program that was killed may have done it before, and another one may say so in vain.
  if (inode() !== before) return;
  throw end instanceof Error
    ? messages.exchangeNotStarted(directory, pathOfNative(PROGRAM), end)
    : messages.cannotExchange(directory, end);
}

/** Resolves to how it ended, as the cause of an error, or to why it could not be started. */
async function runProgram(a: Place, b: Place): Promise<string | Error> {
  const [from, to] = [a.directory.fd, b.directory.fd];
  if (from === undefined || to === undefined) throw new TypeError('directories are held open by descriptors on Linux');
  const give = Buffer.concat([a.name, Buffer.of(0), b.name, Buffer.of(0)]);
  return runNative(PROGRAM, { fds: [from, to], give }).then(explain, (error: Error) => error);
}

/** The exit code of fdgraft-exchange is the number of the error; anything else is no answer of it. */
function explain(end: NativeEnd): string {
  if (end.code === null) return `fdgraft-exchange was killed by ${end.signal}`;
  const { code, errno } = end;
  if (errno === undefined)
    return `fdgraft-exchange ended with exit code ${code}, and had not exchanged the directories`;
  if (errno === 'EBUSY') return 'is in use as a mount point (EBUSY)';
  return errno === 'EINVAL' ? 'lies on a file system that cannot do it (EINVAL)' : `renameat2 failed: ${errno}`;
}
