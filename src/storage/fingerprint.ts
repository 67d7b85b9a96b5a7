import fs from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { joinPath } from './byte-path';
import { holdFolder } from './held-folder';

/** What a folder holds, told without reading it. */
export interface Fingerprint {
  /** The name of something that is not the same in the other one; undefined where all is. */
  differsFrom(other: Fingerprint): string | undefined;
  readonly files: ReadonlyMap<string, string>;
}

/** Takes the fingerprint of a folder: every name with its inode, of images size and time of change too. */
export function fingerprint(folder: Buffer): Fingerprint {
  const files = new Map<string, string>();
  gather(folder, undefined, files);
  return readFingerprint(files);
}

/** A fingerprint that was written down. */
export function readFingerprint(entries: Iterable<readonly [string, string]>): Fingerprint {
  const files = new Map(entries);
  return {
    files,
    differsFrom: (other) => {
      for (const [name, value] of files) if (other.files.get(name) !== value) return shown(name);
      for (const name of other.files.keys()) if (!files.has(name)) return shown(name);
      return undefined;
    },
  };
}

const shown = (name: string) => escapeBytes(Buffer.from(name, 'latin1'));

function gather(folder: Buffer, below: Buffer | undefined, files: Map<string, string>): void {
  const held = holdFolder(folder);
  try {
    for (const entry of fs.readdirSync(held.path, { encoding: 'buffer' })) {
      const place = joinPath(held.path, entry);
      const name = below === undefined ? entry : joinPath(below, entry);
      const stats = fs.lstatSync(place, { bigint: true });
      const key = name.toString('latin1');
      // Logs may grow: a hard link is the same file. An image that changed was perhaps not read as it is now.
      const content = key.endsWith('.img') ? ` ${stats.size} ${stats.mtimeNs}` : '';
      files.set(key, `${stats.ino}${stats.isDirectory() ? '' : content}`);
      if (stats.isDirectory()) gather(place, name, files);
    }
  } finally {
    held.close();
  }
}
