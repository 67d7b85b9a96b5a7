import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import { isArchive } from '../storage/archive/detect';
import { joinPath } from '../storage/byte-path';

/**
 * The checkpoints whose names Node.js turns into that of `full`, since they are not UTF-8: their paths, escaped. Empty
 * where there is none, and where the name really has U+FFFD in it.
 */
export function nonUtf8Checkpoints(full: string): string[] {
  const folder = path.dirname(full);
  let names: Buffer[];
  try {
    names = fs.readdirSync(folder, { encoding: 'buffer' });
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    if (name.toString() !== path.basename(full)) return [];
    const place = joinPath(Buffer.from(folder), name);
    return isCheckpoint(place) ? [escapeBytes(place)] : [];
  });
}

/** Also true where that cannot be known: it may be one. */
function isCheckpoint(place: Buffer): boolean {
  try {
    return fs.existsSync(joinPath(place, Buffer.from('inventory.img'))) || isArchive(place);
  } catch {
    return true;
  }
}
