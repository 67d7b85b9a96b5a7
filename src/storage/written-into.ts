import fs from 'node:fs';
import path from 'node:path';

/** True where writing the file `file` would change `place`: where it is that file, or lies in that folder, links followed. */
export function isWrittenInto(file: string, place: string): boolean {
  const top = realPath(place);
  if (top === undefined) return false;
  // A link is written through, so where it leads counts as well as where it lies.
  const folder = realPath(path.dirname(path.resolve(file)));
  const places = [folder && path.join(folder, path.basename(file)), realPath(file)];
  return places.some((real) => real !== undefined && `${real}/`.startsWith(top.endsWith('/') ? top : `${top}/`));
}

function realPath(file: string): string | undefined {
  try {
    return fs.realpathSync.native(file);
  } catch {
    return undefined;
  }
}
