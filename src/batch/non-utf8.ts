import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import { INVENTORY_IMAGE } from '../frames/image-kinds';
import { isArchive } from '../storage/archive/detect';
import { joinPath } from '../storage/byte-path';
import type { Here } from './here';

/** Names that are not UTF-8: several may become the same in Node.js. Each folder is listed once. */
export class NonUtf8Names {
  private readonly listed = new Map<string, readonly Buffer[]>();

  constructor(private readonly here: Here) {}

  /** Checkpoints whose paths Node.js turns into `full`, with the last name escaped; none where it really has U+FFFD. */
  checkpoints(full: string): string[] {
    return this.alike(full, isCheckpoint);
  }

  /** The same for folders. */
  folders(full: string): string[] {
    return this.alike(full, (place) => fs.lstatSync(place, { throwIfNoEntry: false })?.isDirectory() === true);
  }

  private alike(full: string, isMeant: (place: Buffer) => boolean): string[] {
    const folder = path.dirname(full);
    const names = this.namesIn(folder).filter((name) => name.toString() === path.basename(full));
    return names.flatMap((name) =>
      isMeant(joinPath(Buffer.from(this.here.reach(folder)), name)) ? [path.join(folder, escapeBytes(name))] : [],
    );
  }

  private namesIn(folder: string): readonly Buffer[] {
    const known = this.listed.get(folder);
    if (known !== undefined) return known;
    const names = list(this.here.reach(folder)).filter((name) => !Buffer.from(name.toString()).equals(name));
    this.listed.set(folder, names);
    return names;
  }
}

function list(folder: string): Buffer[] {
  try {
    return fs.readdirSync(folder, { encoding: 'buffer' });
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
