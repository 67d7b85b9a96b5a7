import fs from 'node:fs';
import { readSpecs, readSpecsFrom } from '../operations/read-specs';
import type { SpecOptions } from '../specs/spec';
import { readStream } from '../storage/single-file';
import { STANDARD_STREAM } from './standard-stream';

/** The specs of `--specs FILE`, without it none. Throws FdgraftError. */
export async function specsOfFile(file: string | undefined, signal: AbortSignal): Promise<SpecOptions[]> {
  if (file === undefined) return [];
  if (file !== STANDARD_STREAM) return readSpecs(file, signal);
  // process.stdin would make it non-blocking, and a command that is started then shares it.
  const stdin = fs.createReadStream('', { fd: 0, autoClose: false });
  return readSpecsFrom(readStream(stdin, 'stdin', signal), 'stdin');
}
