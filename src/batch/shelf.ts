import fs from 'node:fs';
import { builtins } from '../bytes/builtins';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { makeAndHold } from '../storage/below-root';
import { type HeldDirectory, holdDirectory } from '../storage/held-directory';
import { linkOrRename } from '../storage/link-or-rename';
import { removeFile } from '../storage/remove-file';
import { removeTree } from '../storage/remove-tree';

/** What is on its way out: it may not be whole any more. */
const GOING = 'going-';

/**
 * A directory for what is put aside for one output, by as many runs as there are: each has places of its own on it, so
 * that none takes what another one has put there, nor puts something over it. Others may clear it, and it may be a link
 * that somebody has put there: what changes something goes through the directory itself, held open.
 */
export class Shelf {
  /** `directory` leads to it from a directory that is held open; messages name it `shown`. */
  constructor(
    private readonly directory: string,
    private readonly shown: string,
  ) {}

  /** The name of a place that nobody else has, in the directory, which is made. */
  newName(): string {
    this.hold(makeAndHold).close();
    return randomName();
  }

  /** Moves something to a place of its own; its name. */
  take(from: string): string {
    const name = randomName();
    const held = this.hold(makeAndHold);
    try {
      fs.renameSync(from, inside(held, name));
    } finally {
      held.close();
    }
    return name;
  }

  /** Moves one to a place where nothing is. False where something is there, or it is gone. */
  giveBack(name: string, to: string): boolean {
    const held = this.tryToHold();
    try {
      return held !== undefined && moveToFree(inside(held, name), to);
    } finally {
      held?.close();
    }
  }

  /** Names of what is whole. */
  things(): string[] {
    const held = this.tryToHold();
    try {
      return held === undefined ? [] : wholeIn(held);
    } finally {
      held?.close();
    }
  }

  /** Only this; what cannot be removed now goes another time. */
  async remove(name: string): Promise<void> {
    try {
      const held = this.tryToHold();
      if (held === undefined) return;
      await removeTree(Buffer.from(inside(held, name))).finally(() => held.close());
      fs.rmdirSync(this.directory);
    } catch {
      // Others have something on it, or have cleared it.
    }
  }

  /** What others put here meanwhile stays for another time. */
  async clear(): Promise<void> {
    const held = this.tryToHold();
    if (held === undefined) return;
    try {
      for (const name of wholeIn(held)) {
        try {
          // In one step it is no thing that anybody could take for a whole one.
          fs.renameSync(inside(held, name), inside(held, GOING + name));
        } catch (error) {
          // Another run was first.
          if (codeOf(error) !== 'ENOENT') throw error;
        }
      }
    } finally {
      held.close();
    }
    await removeTree(Buffer.from(this.directory)).catch((error) => {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(error))) throw error;
    });
  }

  /** Undefined where there is none. */
  private tryToHold(): HeldDirectory | undefined {
    try {
      return this.hold(holdDirectory);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  private hold(by: (directory: Buffer) => HeldDirectory): HeldDirectory {
    try {
      return by(Buffer.from(this.directory));
    } catch (error) {
      // Another run may have cleared it.
      throw codeOf(error) === 'ENOENT' ? error : messages.stateUnusable(this.shown, error);
    }
  }
}

function randomName(): string {
  return builtins.crypto.randomBytes(8).toString('hex');
}

function inside(held: HeldDirectory, name: string): string {
  return `${held.path}/${name}`;
}

function wholeIn(held: HeldDirectory): string[] {
  return fs.readdirSync(held.path, 'utf8').filter((name) => !name.startsWith(GOING) && !name.startsWith('.'));
}

/** Moves it there, never over something. False where something is there, or it is gone. */
function moveToFree(from: string, to: string): boolean {
  try {
    const isDirectory = fs.lstatSync(from).isDirectory();
    if (fs.lstatSync(to, { throwIfNoEntry: false }) !== undefined) return false;
    // A directory never takes the place of a directory with something in it, nor of a file; a file would.
    if (isDirectory) fs.renameSync(from, to);
    else moveFile(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(codeOf(error))) return false;
    throw error;
  }
}

function moveFile(from: string, to: string): void {
  linkOrRename(from, to);
  removeFile(from);
}
