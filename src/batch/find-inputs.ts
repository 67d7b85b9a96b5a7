import fs from 'node:fs';
import path from 'node:path';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { isArchive, looksLikeArchive } from '../storage/archive/detect';
import { nonUtf8Checkpoints } from './non-utf8';
import type { Root } from './root';

/** A checkpoint, or what was named like one. */
export interface BatchInput {
  /** Path relative to the base, its parts parted by `/`: the output lies there below ROOT. */
  readonly name: string;
  /** Absolute path. */
  readonly path: string;
  /** Why it cannot be done, where that is known already. */
  readonly problem?: FdgraftError;
}

export interface FindOptions {
  /** What names are relative to; by default the current folder, and `/` for absolute paths. */
  readonly base: string | undefined;
  readonly root: Root;
  readonly signal: AbortSignal | undefined;
}

export const INVENTORY = 'inventory.img';

/**
 * The checkpoints that words and patterns name, sorted by name. A word that is a path of something is that; any
 * other is a pattern, which finds image folders and archives, but neither what is in an image folder nor what lies
 * behind links or in ROOT; one that begins with `!` takes away from the others. Throws FdgraftError for what is wrong
 * with all of it; what is wrong with one input is its `problem`.
 */
export async function findInputs(words: readonly string[], options: FindOptions): Promise<BatchInput[]> {
  const finder = new Finder(options);
  const ignored = words.filter((word) => word.startsWith('!') && !exists(word));
  const wanted = words.filter((word) => !ignored.includes(word));
  if (wanted.length === 0) throw messages.onlyExclusions();
  for (const word of wanted) {
    if (word === '') throw messages.patternEmpty();
    if (exists(word)) finder.takeWord(word);
    else
      await finder.takePattern(
        word,
        ignored.map((pattern) => pattern.slice(1)),
      );
  }
  return finder.all();
}

function exists(word: string): boolean {
  try {
    return fs.lstatSync(word, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // What cannot be reached may be there all the same.
    return (error as NodeJS.ErrnoException).code === 'EACCES';
  }
}

class Finder {
  private readonly found = new Map<string, BatchInput>();
  private readonly here = process.cwd();

  constructor(private readonly options: FindOptions) {}

  takeWord(word: string): void {
    const full = path.resolve(word);
    const meant = checkpointAt(word);
    if (meant instanceof FdgraftError) this.take(word, full, meant);
    else if (this.options.root.contains(meant)) throw messages.inputInsideRoot(word, this.options.root.given);
    else this.take(word, meant);
  }

  async takePattern(pattern: string, ignored: readonly string[]): Promise<void> {
    // Loaded only here: words alone need none of it.
    const { default: fastGlob } = await import('fast-glob');
    if (!fastGlob.isDynamicPattern(pattern)) {
      const problem = pattern.includes('\ufffd')
        ? messages.inputNotUtf8(pattern)
        : messages.cannotReadSource(pattern, { code: 'ENOENT' });
      return this.take(pattern, path.resolve(pattern), problem);
    }
    let count = 0;
    let linked: string | undefined;
    const take = (full: string, problem?: FdgraftError) => {
      count += 1;
      this.take(pattern, full, problem);
    };
    const matches = fastGlob.stream(pattern, {
      onlyFiles: false,
      objectMode: true,
      followSymbolicLinks: false,
      unique: false,
      ignore: [...ignored],
      fs: { readdir: readdirFor(this.options.root, take) as unknown as typeof fs.readdir },
    }) as AsyncIterable<unknown> as AsyncIterable<{ path: string; dirent: fs.Dirent }>;
    for await (const { path: match, dirent } of matches) {
      this.options.signal?.throwIfAborted();
      const full = path.resolve(this.here, match);
      if (path.basename(full) === INVENTORY) take(path.dirname(full));
      else if (match.includes('\ufffd')) {
        for (const name of nonUtf8Checkpoints(full)) take(full, messages.inputNotUtf8(name));
      } else if (dirent.isSymbolicLink()) linked = match;
      else if (dirent.isDirectory()) {
        if (hasInventory(full) && !this.options.root.is(full)) take(full);
      } else {
        const is = archiveAt(full);
        if (is !== false) take(full, is === true ? undefined : is);
      }
    }
    if (count === 0) throw messages.patternMatchesNothing(pattern, linked);
  }

  all(): BatchInput[] {
    return [...this.found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private take(word: string, full: string, problem?: FdgraftError): void {
    const { root } = this.options;
    const name = this.nameOf(word, full);
    const known = this.found.get(name);
    if (known !== undefined && known.path !== full) throw messages.sameOutput(known.path, full, name);
    if (known !== undefined && (known.problem === undefined || problem !== undefined)) return;
    if (problem === undefined && root.isInside(full)) throw messages.rootInsideInput(full, root.given);
    this.found.set(name, { name, path: full, ...(problem === undefined ? {} : { problem }) });
  }

  private nameOf(word: string, full: string): string {
    const base = path.resolve(this.options.base ?? (path.isAbsolute(word) ? '/' : this.here));
    const name = path.relative(base, full).split(path.sep).join('/');
    if (name === '') throw messages.inputIsBase(full);
    if (name === '..' || name.startsWith('../') || path.isAbsolute(name)) throw messages.inputOutsideBase(full, base);
    return name;
  }
}

function hasInventory(folder: string): boolean {
  try {
    return fs.lstatSync(`${folder}/${INVENTORY}`, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** Whether a file that nobody named is an archive, or why nobody knows: it may be one. What is gone by now is none. */
function archiveAt(file: string): boolean | FdgraftError {
  try {
    return looksLikeArchive(file);
  } catch (error) {
    if (!(error instanceof FdgraftError)) throw error;
    return (error.cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT'
      ? false
      : messages.fileUnreadable(file, error.cause);
  }
}

/** The path of the checkpoint that a word means which is a path of something, or why there is none. */
function checkpointAt(word: string): string | FdgraftError {
  const full = path.resolve(word);
  try {
    const stats = fs.statSync(full);
    if (stats.isFile() && path.basename(full) === INVENTORY) return path.dirname(full);
    // Who names a link means what it leads to.
    const is = stats.isDirectory() ? hasInventory(full) : isArchive(fs.realpathSync.native(full));
    return is ? full : messages.noCheckpoint(word);
  } catch (error) {
    return messages.cannotReadSource(word, error instanceof FdgraftError ? error.cause : error);
  }
}

type Done = (error: Error | null, entries: fs.Dirent[]) => void;

/**
 * Lists folders for a pattern: of an image folder only what tells that it is one, so that nothing in it is looked at;
 * of ROOT nothing. What cannot be listed is told, and the rest goes on.
 */
function readdirFor(root: Root, onProblem: (folder: string, problem: FdgraftError) => void) {
  return (folder: string, options: { withFileTypes: true }, done: Done) => {
    if (root.is(folder)) return done(null, []);
    fs.readdir(folder, options, (error, entries) => {
      if (error === null) {
        const inventory = entries.find(({ name }) => name === INVENTORY);
        done(null, inventory === undefined ? entries : [inventory]);
        return;
      }
      const { code } = error;
      if (folder.includes('\ufffd')) onProblem(path.resolve(folder), messages.inputNotUtf8(folder));
      // Gone, or never there: then the pattern matches nothing.
      else if (code !== 'ENOENT' && code !== 'ENOTDIR')
        onProblem(path.resolve(folder), messages.folderUnreadable(folder, error));
      done(null, []);
    });
  };
}
