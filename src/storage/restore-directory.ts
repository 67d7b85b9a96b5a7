import fs, { constants } from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { pathOfNative, runNative } from './native-program';
import { descriptorPath } from './open-flags';
import { removeTree } from './remove-tree';
import { openRuntimeDirectory, type RuntimeDirectory } from './runtime-directory';

const BEGIN = 'restore-';
/** As mkdtemp names them. */
const RESTORE_NAME = /^restore-[A-Za-z0-9]{6}$/;
const OWN_MODE = 0o700;
const PROGRAM = 'fdgraft-lock';

/**
 * A directory for the images of one restore, with a random name in the runtime directory. Who uses it has it open and
 * locked, criu too: so it is in use until all of them are gone, whichever of them was killed. The next one that is made
 * removes those that nobody has locked. (Numbers of processes would not tell: namespaces have their own.)
 */
export class RestoreDirectory {
  constructor(
    readonly path: string,
    /** Has the lock; processes that have it open keep that. */
    readonly fd: number,
  ) {}

  /** Throws FdgraftError (SYSTEM). */
  static async create(env?: NodeJS.ProcessEnv): Promise<RestoreDirectory> {
    const base = openRuntimeDirectory(env);
    try {
      // So that nobody takes one that is just being made for one that was left.
      if (!(await lock(base.fd, 'wait', base.path))) throw messages.runtimeDirectoryBusy(base.path);
      await removeLeftovers(base);
      return await make(base);
    } finally {
      fs.closeSync(base.fd);
    }
  }

  /** Removes it with all that is in it. */
  async remove(): Promise<void> {
    try {
      await removeTree(Buffer.from(this.path));
    } catch (error) {
      throw messages.systemError(error, this.path);
    } finally {
      fs.closeSync(this.fd);
    }
  }
}

async function make(base: RuntimeDirectory): Promise<RestoreDirectory> {
  const inside = (name: string) => path.join(base.path, name);
  let name: string | undefined;
  try {
    name = path.basename(fs.mkdtempSync(path.join(descriptorPath(base.fd).toString(), BEGIN)));
    const fd = open(inside(name));
    fs.fchmodSync(fd, OWN_MODE);
    if (!(await lock(fd, 'try', inside(name)))) throw messages.runtimeDirectoryBusy(inside(name));
    return new RestoreDirectory(inside(name), fd);
  } catch (error) {
    throw messages.systemError(error, name === undefined ? base.path : inside(name));
  }
}

async function removeLeftovers(base: RuntimeDirectory): Promise<void> {
  for (const name of fs.readdirSync(base.path)) {
    if (!RESTORE_NAME.test(name)) continue;
    const directory = path.join(base.path, name);
    const fd = openIfOurs(directory);
    if (fd === undefined) continue;
    try {
      if (await lock(fd, 'try', directory)) await removeTree(Buffer.from(directory));
    } catch {
      // A directory that cannot be removed is in nobody's way.
    } finally {
      fs.closeSync(fd);
    }
  }
}

function open(directory: string): number {
  return fs.openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
}

function openIfOurs(directory: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = open(directory);
    const { uid, mode } = fs.fstatSync(fd);
    if (uid === process.geteuid?.() && (mode & 0o7777) === OWN_MODE) return fd;
  } catch {
    // It is gone by now, or no directory.
  }
  if (fd !== undefined) fs.closeSync(fd);
  return undefined;
}

/** False where another process has the lock. The lock stays with `fd`. Throws FdgraftError (SYSTEM). */
async function lock(fd: number, how: 'try' | 'wait', directory: string): Promise<boolean> {
  const end = await runNative(PROGRAM, { args: [how], fds: [fd] }).catch((error) => {
    throw messages.nativeNotStarted(pathOfNative(PROGRAM), error);
  });
  if (end.code === 0) return true;
  if (end.code !== null && end.errno === 'EAGAIN') return false;
  throw messages.cannotLock(
    directory,
    end.code === null ? `${PROGRAM} was killed by ${end.signal}` : (end.errno ?? `exit code ${end.code}`),
  );
}
