import fs, { constants } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';

/**
 * The directory that fdgraft-exec has its sockets in (native/src/base-dir.c): /run/fdgraft for root, that name below
 * XDG_RUNTIME_DIR for others, and for a root that may not write to /run. Made where it is missing.
 */
export interface RuntimeDirectory {
  readonly path: string;
  /** Open on it. */
  readonly fd: number;
}

const SYSTEM_PARENT = '/run';
const NAME = 'fdgraft';
const OWN_MODE = 0o700;
const STICKY = 0o1000;
const WRITABLE_BY_OTHERS = 0o022;

/** Opens the first place that serves; close its `fd`. Throws FdgraftError (SYSTEM). */
export function openRuntimeDirectory(env: NodeJS.ProcessEnv = process.env): RuntimeDirectory {
  const own = env.XDG_RUNTIME_DIR;
  const parents = [
    ...(process.geteuid?.() === 0 ? [SYSTEM_PARENT] : []),
    ...(own !== undefined && path.isAbsolute(own) ? [own] : []),
  ];
  const wrong: { path: string; cause: unknown }[] = [];
  for (const parent of parents) {
    try {
      const real = fs.realpathSync(parent);
      return { path: path.join(real, NAME), fd: openOrMake(real) };
    } catch (error) {
      wrong.push({ path: path.join(parent, NAME), cause: error });
    }
  }
  throw messages.noRuntimeDirectory(wrong);
}

function openOrMake(parent: string): number {
  const around = fs.statSync(parent);
  // Others could put something else in the place of the directory inside.
  if (around.uid !== 0 && around.uid !== process.geteuid?.()) throw new Error(`${parent} belongs to another user`);
  if ((around.mode & WRITABLE_BY_OTHERS) !== 0 && (around.mode & STICKY) === 0) {
    throw new Error(`other users can write to ${parent}`);
  }
  const directory = path.join(parent, NAME);
  const isNew = make(directory);
  const fd = fs.openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    // Whatever the umask.
    if (isNew) fs.fchmodSync(fd, OWN_MODE);
    const { uid, mode } = fs.fstatSync(fd);
    if (uid !== process.geteuid?.()) throw new Error('it belongs to another user');
    if ((mode & 0o7777) !== OWN_MODE) throw new Error('its mode is not 0700');
    return fd;
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}

function make(directory: string): boolean {
  try {
    fs.mkdirSync(directory, { mode: OWN_MODE });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}
