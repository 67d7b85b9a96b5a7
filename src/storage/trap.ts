/** Below it, nothing is called a trap: an entry of 1 GiB with all that is around it is none. */
const HARMLESS_BYTES = 1.25 * 2 ** 30;
/** Memory of programs is compressed to a third, or where it is mostly empty to a fiftieth. */
const MAX_RATIO = 200;
/** Some members are read for each task, and a compressed archive is unpacked for that. */
const MAX_PASSES = 50;

/** True where few stored bytes give so many to read that somebody may want to keep us busy. */
export function isTrap(stored: number, read: number): boolean {
  return read > HARMLESS_BYTES && isSuspicious(stored, read);
}

/** The same of all passes over one archive: any number of its members can be links to one file. */
export function isTrapOfPasses(stored: number, read: number): boolean {
  return isTrap(stored * MAX_PASSES, read);
}

/** `isTrap` for any number of bytes. */
export function isSuspicious(stored: number, read: number): boolean {
  return read > stored * MAX_RATIO;
}

/** True where files of so many bytes, each counted once, gave so many to read that some have many names. */
export function isReadTooOften(size: number, read: number): boolean {
  return read > HARMLESS_BYTES && read > size * MAX_PASSES;
}
