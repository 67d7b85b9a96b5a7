import path from 'node:path';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { type FixedDirectory, resolveToWrite } from './trusted-path';

/** The directory that `out` is to be in, free of links: see `resolveToWrite`. Throws FdgraftError. */
export function parentOf(out: string, fixed?: FixedDirectory): Buffer {
  const directory = path.dirname(out);
  try {
    return resolveToWrite(directory, fixed);
  } catch (error) {
    const isMissing = codeOf(error) === 'ENOENT';
    throw isMissing ? messages.outDirectoryMissing(out, directory, error) : messages.cannotWriteOut(out, error);
  }
}
