import fs from 'node:fs';
import path from 'node:path';
import { joinPath } from './byte-path';

/**
 * True where writing the file `file` would change `place`: where it is that file, or lies in that directory, links
 * followed.
 */
export function isWrittenInto(file: string, place: string | Buffer): boolean {
  const top = realPath(place);
  if (top === undefined) return false;
  const topWithin = withSlash(top);
  // A link is written through, so where it leads counts as well as where it lies.
  const directory = realPath(path.dirname(file));
  const places = [directory && joinPath(directory, Buffer.from(path.basename(file))), realPath(file)];
  return places.some((real) => real !== undefined && withSlash(real).startsWith(topWithin));
}

/** As text that tells bytes apart, whatever they are. */
function withSlash(real: Buffer): string {
  return `${real.toString('latin1').replace(/\/+$/, '')}/`;
}

function realPath(file: string | Buffer): Buffer | undefined {
  try {
    return fs.realpathSync.native(file, 'buffer');
  } catch {
    return undefined;
  }
}
