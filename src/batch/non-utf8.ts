import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import { INVENTORY_IMAGE } from '../frames/image-kinds';
import { isArchive } from '../storage/archive/detect';
import { joinPath } from '../storage/byte-path';
import type { Here } from './here';

/** Names that are not UTF-8: several may become the same in Node.js. Each directory is listed once. */
export class NonUtf8Names {
  private readonly listed = new Map<string, readonly Buffer[]>();

  constructor(private readonly here: Here) {}

  /** Checkpoints whose paths Node.js turns into `full`, with the last name escaped; none where it really has U+FFFD. */
  checkpoints(full: string): string[] {
    return this.alike(full, isCheckpoint);
  }

  /** The same for directories. */
  directories(full: string): string[] {
    return this.alike(full, (place) => fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true);
  }

  private alike(full: string, isMeant: (place: Buffer) => boolean): string[] {
    const directory = path.dirname(full);
    const names = this.namesIn(directory).filter((name) => name.toString() === path.basename(full));
    return names.flatMap((name) =>
      isMeant(joinPath(Buffer.from(this.here.reach(directory)), name)) ? [path.join(directory, escapeBytes(name))] : [],
    );
  }

  private namesIn(directory: string): readonly Buffer[] {
    const known = this.listed.get(directory);
    if (known !== undefined) return known;
    const names = list(this.here.reach(directory)).filter((name) => !Buffer.from(name.toString()).equals(name));
    this.listed.set(directory, names);
    return names;
  }
}

function list(directory: string): Buffer[] {
  try {
    return fs.readdirSync(directory, { encoding: 'buffer' });
  } catch {
    return [];
  }
}

/** Also true where that cannot be known: it may be one. */
function isCheckpoint(place: Buffer): boolean {
  try {
    return fs.existsSync(joinPath(place, Buffer.from(INVENTORY_IMAGE))) || isArchive(place);
  } catch {
    return true;
  }
}
