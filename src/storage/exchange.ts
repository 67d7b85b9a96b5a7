import fs from 'node:fs';
import path from 'node:path';
import { getSystemErrorName } from 'node:util';
import { builtins } from '../bytes/builtins';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import type { HeldFolder } from './held-folder';
import { ownFolder } from './own-folder';

/** Where `npm run build` puts the program that makes the system call which Node.js has not. */
const PROGRAM = path.join(ownFolder(), 'native/build/fdgraft-exchange');

/** Throws FdgraftError where folders cannot be exchanged in one step here. `folder`: how messages name it. */
export function checkExchange(folder: string): void {
  if (process.platform !== 'linux') throw messages.cannotExchange(folder, 'needs Linux');
  if (!fs.existsSync(PROGRAM)) throw messages.cannotExchange(folder, `needs ${PROGRAM}, which npm run build makes`);
}

/** A name in a folder that is held open. */
export interface Place {
  readonly folder: HeldFolder;
  readonly name: Buffer;
}

/**
 * Exchanges two folders of one file system in one step: whoever looks sees one of them at each place, always. Throws
 * FdgraftError where that was not done. `folder`: how messages name it.
 */
export async function exchange(a: Place, b: Place, folder: string): Promise<void> {
  const inode = () => fs.lstatSync(joinPath(a.folder.path, a.name), { bigint: true }).ino;
  const before = inode();
  const problem = await runProgram(a, b);
  // A program that was killed may have done it before.
  if (problem !== undefined && inode() === before) throw messages.cannotExchange(folder, problem);
}

function runProgram(a: Place, b: Place): Promise<string | undefined> {
  const [from, to] = [a.folder.fd, b.folder.fd];
  if (from === undefined || to === undefined) throw new TypeError('folders are held open by descriptors on Linux');
  return new Promise((resolve) => {
    const child = builtins.childProcess.spawn(PROGRAM, [], { stdio: ['pipe', 'ignore', 'ignore', from, to], cwd: '/' });
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(explain(code, signal)));
    child.stdin?.on('error', () => {});
    child.stdin?.end(Buffer.concat([a.name, Buffer.of(0), b.name, Buffer.of(0)]));
  });
}

function explain(code: number | null, signal: NodeJS.Signals | null): string | undefined {
  if (code === 0) return undefined;
  if (code === null) return `fdgraft-exchange was killed by ${signal}`;
  const name = getSystemErrorName(-code);
  if (name === 'EBUSY') return 'is in use as a mount point (EBUSY)';
  return name === 'EINVAL' ? 'lies on a file system that cannot do it (EINVAL)' : `renameat2 failed: ${name}`;
}
