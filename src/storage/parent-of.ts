import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';

/** The folder that `out` is to be in, free of links. Throws FdgraftError. */
export function parentOf(out: string): Buffer {
  const folder = path.dirname(out);
  try {
    return fs.realpathSync.native(folder, 'buffer');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing ? messages.outFolderMissing(out, folder, error) : messages.cannotWriteOut(out, error);
  }
}
