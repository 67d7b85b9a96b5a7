import fs from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { joinPath } from './byte-path';
import { holdDirectory } from './held-directory';
import { isSteady } from './seen-files';

/**
 * What a directory holds, told without reading it: every name with its inode, of images size and time of change too.
 */
export type Fingerprint = ReadonlyMap<string, string>;

export function fingerprint(directory: Buffer): Fingerprint {
  const files = new Map<string, string>();
  gather(directory, undefined, files);
  return files;
}

/** The name of something that is not the same in both; undefined where all is. */
export function firstDifference(one: Fingerprint, other: Fingerprint): string | undefined {
  for (const [name, value] of one) if (other.get(name) !== value) return shown(name);
  for (const name of other.keys()) if (!one.has(name)) return shown(name);
  return undefined;
}

const shown = (name: string) => escapeBytes(Buffer.from(name, 'latin1'));

function gather(directory: Buffer, below: Buffer | undefined, files: Map<string, string>): void {
  const held = holdDirectory(directory);
  try {
    for (const entry of fs.readdirSync(held.path, { encoding: 'buffer' })) {
      const place = joinPath(held.path, entry);
      const name = below === undefined ? entry : joinPath(below, entry);
      const stats = fs.lstatSync(place, { bigint: true });
      const key = name.toString('latin1');
      // Logs may grow: a hard link is the same file. An image that changed was perhaps not read as it is now.
      const content = isSteady(name) ? ` ${stats.size} ${stats.mtimeNs}` : '';
      files.set(key, `${stats.ino}${stats.isDirectory() ? '' : content}`);
      if (stats.isDirectory()) gather(place, name, files);
    }
  } finally {
    held.close();
  }
}
