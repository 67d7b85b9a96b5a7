/** O_ACCMODE and its values, as in the images of every architecture that CRIU supports. */
const ACCESS_MODE = 3;
const WRITE_ONLY = 1;
const READ_WRITE = 2;
const O_APPEND = 0o2000;
const O_NONBLOCK = 0o4000;
const O_ASYNC = 0o20000;
/** Such a descriptor only names a file: it allows neither. */
const O_PATH = 0o10000000;

/** The access that an open file gives. */
export interface Access {
  readonly read: boolean;
  readonly write: boolean;
}

/** The access that the open flags of an entry ask for. */
export function accessOf(flags: number): Access {
  if (isPathOnly(flags)) return { read: false, write: false };
  const mode = flags & ACCESS_MODE;
  return { read: mode !== WRITE_ONLY, write: mode === WRITE_ONLY || mode === READ_WRITE };
}

/** True for a descriptor that was opened with O_PATH. */
export function isPathOnly(flags: number): boolean {
  return (flags & O_PATH) !== 0;
}

/** True where all writes go to the end of the file, whatever the offset. */
export function appends(flags: number): boolean {
  return accessOf(flags).write && (flags & O_APPEND) !== 0;
}

/** True where calls return instead of waiting. */
export function isNonblocking(flags: number): boolean {
  return (flags & O_NONBLOCK) !== 0;
}

/** True where the owner gets a signal on I/O. */
export function sendsSignals(flags: number): boolean {
  return (flags & O_ASYNC) !== 0;
}
