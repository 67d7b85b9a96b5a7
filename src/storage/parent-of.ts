import path from 'node:path';
import { messages } from '../errors/messages';
import { resolveToWrite } from './trusted-path';

/** The folder that `out` is to be in, free of links: see `resolveToWrite`. Throws FdgraftError. */
export function parentOf(out: string): Buffer {
  const folder = path.dirname(out);
  try {
    return resolveToWrite(folder);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw isMissing ? messages.outFolderMissing(out, folder, error) : messages.cannotWriteOut(out, error);
  }
}
