import fs, { constants } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { closeRead } from './close';
import { descriptorPath } from './open-flags';

export interface HeldDirectory {
  /** Leads to that very directory until `close`, whatever its name leads to by then. */
  readonly path: Buffer;
  /** Undefined where the system has no such paths. */
  readonly fd: number | undefined;
  close(): void;
}

/**
 * Keeps a directory open, so that what is below it is reached through the directory that was looked at, not
 * through a link that someone put in its place meanwhile.
 */
export function holdDirectory(path: Buffer): HeldDirectory {
  if (process.platform !== 'linux') return { path, fd: undefined, close: () => {} };
  const fd = fs.openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { path: descriptorPath(fd), fd, close: () => closeRead(fd) };
}

/**
 * The same for a directory that is written into. `path` is absolute and free of links, and has to lead there as it
 * stands: a link that someone has put into it since it was resolved is an error. Throws FdgraftError for that.
 */
export function holdToWrite(path: Buffer): HeldDirectory {
  const held = holdDirectory(path);
  if (held.fd === undefined) return held;
  try {
    if (fs.readlinkSync(held.path, { encoding: 'buffer' }).equals(path)) return held;
    throw messages.outDirectoryMoved(escapeBytes(path));
  } catch (error) {
    held.close();
    throw error;
  }
}
