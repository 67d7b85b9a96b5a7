import fs, { constants, type Stats } from 'node:fs';
import { closeRead } from './close';

/**
 * For files that others made: should one have become a link since it was looked at, open fails; should
 * it have become a FIFO, open does not wait.
 */
export const NEVER_WAIT_OR_FOLLOW = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A path (of Linux) to the very file that a descriptor holds, whatever its name leads to by now. */
export function descriptorPath(fd: number): Buffer {
  return Buffer.from(`/proc/self/fd/${fd}`);
}

/** Of Linux, on every processor: names a file without opening it. */
export const O_PATH = 0o10000000;

/** A file that was found by its path and not opened. */
export interface NamedFile {
  /** Knows nothing but what fstat tells. */
  readonly fd: number;
  /** To open that very file, until `close`. */
  readonly path: Buffer;
  /** May be called again. */
  readonly close: () => void;
}

/** Follows links; undefined where the system has no such thing. */
export function nameFile(path: fs.PathLike): NamedFile | undefined {
  if (process.platform !== 'linux') return undefined;
  const fd = fs.openSync(path, O_PATH);
  let isOpen = true;
  const close = () => {
    if (isOpen) closeRead(fd);
    isOpen = false;
  };
  return { fd, path: descriptorPath(fd), close };
}

/**
 * Opens a file if it is a regular one; undefined if it is anything else. That is known before it is opened: to open
 * a device starts what it does, and to open a FIFO wakes whoever waits at its other end. Links are followed.
 */
export function openRegular(path: fs.PathLike): { readonly fd: number; readonly stats: Stats } | undefined {
  const named = nameFile(path);
  try {
    const stats = named === undefined ? fs.statSync(path) : fs.fstatSync(named.fd);
    if (!stats.isFile()) return undefined;
    return statOpened(fs.openSync(named?.path ?? path, constants.O_RDONLY | constants.O_NONBLOCK));
  } finally {
    named?.close();
  }
}

function statOpened(fd: number): { readonly fd: number; readonly stats: Stats } {
  try {
    return { fd, stats: fs.fstatSync(fd) };
  } catch (error) {
    closeRead(fd);
    throw error;
  }
}
