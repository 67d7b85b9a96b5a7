import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';
import { linkOrRename } from '../storage/link-or-rename';
import { removeTree } from '../storage/remove-tree';

/** What is on its way out: it may not be whole any more. */
const GOING = 'going-';

/**
 * A directory for what is put aside for one output, by as many runs as there are: each has places of its own on it, so
 * that none takes what another one has put there, nor puts something over it.
 */
export class Shelf {
  constructor(private readonly directory: string) {}

  /** A place that nobody else has; the directory around it is made, and may be cleared by others. */
  place(): string {
    fs.mkdirSync(this.directory, { recursive: true });
    return path.join(this.directory, builtins.crypto.randomBytes(8).toString('hex'));
  }

  /** What is whole. */
  things(): string[] {
    if (!this.isThere()) return [];
    return fs
      .readdirSync(this.directory)
      .filter((name) => !name.startsWith(GOING) && !name.startsWith('.'))
      .map((name) => path.join(this.directory, name));
  }

  /** Only this; what cannot be removed now goes another time. */
  async remove(place: string): Promise<void> {
    await removeTree(Buffer.from(place)).catch(() => {});
    try {
      fs.rmdirSync(this.directory);
    } catch {
      // Others have something on it, or have cleared it.
    }
  }

  /** What others put here meanwhile stays for another time. */
  async clear(): Promise<void> {
    if (!this.isThere()) return;
    for (const thing of this.things()) {
      try {
        // In one step it is no thing that anybody could take for a whole one.
        fs.renameSync(thing, path.join(this.directory, GOING + path.basename(thing)));
      } catch (error) {
        // Another run was first.
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    }
    await removeTree(Buffer.from(this.directory)).catch((error: NodeJS.ErrnoException) => {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(error.code ?? '')) throw error;
    });
  }

  private isThere(): boolean {
    return fs.lstatSync(this.directory, { throwIfNoEntry: false }) !== undefined;
  }
}

/** Moves it there, never over something. False where something is there, or it is gone. */
export function moveToFree(from: string, to: string): boolean {
  try {
    const isDirectory = fs.lstatSync(from).isDirectory();
    if (fs.lstatSync(to, { throwIfNoEntry: false }) !== undefined) return false;
    // A directory never takes the place of a directory with something in it, nor of a file; a file would.
    if (isDirectory) fs.renameSync(from, to);
    else moveFile(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return false;
    throw error;
  }
}

function moveFile(from: string, to: string): void {
  linkOrRename(from, to);
  fs.rmSync(from, { force: true });
}
