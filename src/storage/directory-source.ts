import fs, { type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { attempt } from './attempt';
import { joinPath } from './byte-path';
import { sourceUnreadable } from './denied';
import { placeIn } from './directory-file';
import { type DirectoryTop, memberIn } from './directory-member';
import { DirectoryPass, listEntries } from './directory-pass';
import { type HeldDirectory, holdDirectory } from './held-directory';
import { modeAndOwner } from './mode-and-owner';
import { passLimits } from './pass-limits';
import { isSteady, SeenFiles } from './seen-files';
import type { MembersByName, Source } from './source';
import { yieldToEventLoop } from './yield-to-event-loop';

export interface DirectoryOptions {
  /** Members that a pass gives before all others. */
  readonly first?: readonly string[];
  /** The files as they were seen before, for a caller that reads the directory as more than one source. */
  readonly seen?: SeenFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an image directory. A pass gives the members named in `first` before all others, the rest in
 * byte order, a subdirectory before what is in it. An image that is not the same whenever it is looked at is an error.
 */
export async function openDirectory(directory: string, options: DirectoryOptions = {}): Promise<Source> {
  const { first = [], signal, seen = new SeenFiles(signal) } = options;
  const stats = readable(directory, () => fs.statSync(directory));
  if (stats.isFIFO() || stats.isSocket()) throw messages.sourceIsStream(directory);
  if (!stats.isDirectory()) throw messages.sourceIsNoDirectory(directory);
  const real = readable(directory, () => fs.realpathSync.native(directory, 'buffer'));
  // Each pass counts anew: a source may be used any number of times.
  const top = (): DirectoryTop => ({ label: directory, path: real, stats, seen, limits: passLimits(signal) });
  return {
    label: directory,
    form: 'dir',
    directory: real,
    ...modeAndOwner(stats),
    members: () => passOver(top(), first),
    inArchiveOrder: () => passOver(top(), first),
    byName: () => membersOf(top()),
    close: async () => {},
  };
}

function passOver(top: DirectoryTop, first: readonly string[]): DirectoryPass {
  const checkPath = () => {
    // A link is resolved by the path.
    const stats = readable(top.label, () => fs.lstatSync(top.path, { throwIfNoEntry: false }));
    if (stats === undefined || !isTop(top, stats)) throw messages.sourceMoved(top.label);
  };
  return new DirectoryPass(top, first, () => holdTop(top), checkPath);
}

function membersOf(top: DirectoryTop): MembersByName {
  const held = holdTop(top);
  const { label, path: lasting, seen } = top;
  const directory = { path: held.path, lasting, key: lasting.toString('latin1'), name: NO_NAME };
  const place = { key: directory.key, name: NO_NAME, label };
  if (!seen.isListed(place)) {
    const names = listEntries(held.path, lasting, []).map(({ name }) => name);
    seen.list(place, names);
  }
  return {
    member: async (text) => {
      await yieldToEventLoop();
      // A name can come from a plan: it leads to what lies in the directory, and nowhere else.
      if (/[/\0]/.test(text) || text === '.' || text === '..') return undefined;
      const name = Buffer.from(text);
      const found = lookAt(joinPath(held.path, name));
      if (found === 'gone') {
        if (isSteady(name)) seen.miss(placeIn(directory, name, label));
        return undefined;
      }
      try {
        return await memberIn(top, directory, name, found);
      } catch (error) {
        if (codeOf((error as Error).cause) === 'ENOENT') return undefined;
        throw error;
      }
    },
    close: async () => held.close(),
  };
}

const NO_NAME = Buffer.alloc(0);

/** Without an exception, which costs much more than the look: millions of tasks can lack an image. */
function lookAt(file: Buffer): Stats | 'gone' | undefined {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) ?? 'gone';
  } catch {
    // The next look says why it failed.
    return undefined;
  }
}

/** The directory that was opened, and no other one that has its name by now. */
function holdTop(top: DirectoryTop): HeldDirectory {
  let held: HeldDirectory;
  try {
    held = holdDirectory(top.path);
  } catch (error) {
    const isGone = ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error));
    throw isGone ? messages.sourceMoved(top.label) : sourceUnreadable(escapeBytes(top.path), error);
  }
  try {
    const stats = readable(top.label, () => fs.statSync(held.path));
    if (!isTop(top, stats)) throw messages.sourceMoved(top.label);
    return held;
  } catch (error) {
    held.close();
    throw error;
  }
}

/** The result of a look at the directory. Throws FdgraftError. */
function readable<T>(label: string, look: () => T): T {
  return attempt(look, (error) => sourceUnreadable(label, error));
}

function isTop({ stats }: DirectoryTop, { dev, ino }: Stats): boolean {
  return dev === stats.dev && ino === stats.ino;
}
