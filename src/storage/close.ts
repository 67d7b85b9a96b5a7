import fs from 'node:fs';

/**
 * Closes what was opened for reading. An error of close(2) says that something written may be lost, which is not so
 * here, and the descriptor is closed all the same.
 */
export function closeRead(fd: number): void {
  try {
    fs.closeSync(fd);
  } catch {
    // Nothing was written.
  }
}
