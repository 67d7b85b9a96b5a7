import fs from 'node:fs';
import { codeOf } from '../errors/code-of';

/** Removes a file, or does nothing if there is none. For its first call, `fs.rmSync` loads 4 ms of Node.js's own code. */
export function removeFile(place: Buffer | string): void {
  try {
    fs.unlinkSync(place);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}
