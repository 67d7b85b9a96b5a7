import fs from 'node:fs';
import path from 'node:path';
import { codeOf } from '../errors/code-of';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { INVENTORY_IMAGE } from '../frames/image-kinds';
import { unfinishedDumpIn } from '../operations/no-inventory';
import { foreignCompression, isArchive, looksLikeArchive } from '../storage/archive/detect';
import { sourceUnreadable } from '../storage/denied';
import { checkPattern } from './check-pattern';
import { Exclusions, isExclusion } from './exclusions';
import { type Here, REPLACEMENT } from './here';
import type { BatchInput } from './input';
import { hideLineBreaks, showLineBreaks } from './line-breaks';
import { NonUtf8Names } from './non-utf8';
import { STATE_DIRECTORY } from './record';
import type { Root } from './root';
import type { JobWarning } from './task';

export interface FindOptions {
  /** The directory that names are relative to; by default the current directory, and `/` for absolute paths. */
  readonly base: string | undefined;
  readonly root: Root;
  readonly signal: AbortSignal | undefined;
  /** Hears of what may not be what was meant. */
  readonly onWarning?: ((warning: JobWarning) => void) | undefined;
}

/**
 * The checkpoints that words and patterns name, sorted by name. A word that is a path of something is that; any
 * other is a pattern, which finds image directories and archives, but neither what is in an image directory nor what
 * lies behind links, in ROOT, or in what an earlier batch made below the pattern; one that begins with `!` takes away
 * from all others. Throws FdgraftError for what is wrong with all of it; what is wrong with one input is its `problem`.
 */
export async function findInputs(words: readonly string[], options: FindOptions): Promise<BatchInput[]> {
  const taken = words.filter((word) => isExclusion(word) && !exists(word));
  const wanted = words.filter((word) => !taken.includes(word));
  if (wanted.length === 0) throw messages.onlyExclusions();
  const exclusions = await Exclusions.of(taken, options.root.here.text, options.base);
  const finder = new Finder(options, exclusions);
  for (const word of wanted) {
    if (word === '') throw messages.patternEmpty();
    if (exists(word)) finder.takeWord(word);
    else await finder.takePattern(word);
  }
  const all = finder.all();
  if (all.length === 0) throw messages.allTakenAway();
  for (const word of exclusions.unused()) options.onWarning?.(messages.takesNothingAway(word));
  return all;
}

function exists(word: string): boolean {
  try {
    return fs.lstatSync(word, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    // What cannot be reached may be there all the same.
    return codeOf(error) === 'EACCES';
  }
}

type Done = (error: Error | null, entries: fs.Dirent[]) => void;

class Finder {
  private readonly found = new Map<string, BatchInput>();
  private readonly nonUtf8: NonUtf8Names;
  private readonly here: Here;

  constructor(
    private readonly options: FindOptions,
    private readonly exclusions: Exclusions,
  ) {
    this.here = options.root.here;
    this.nonUtf8 = new NonUtf8Names(this.here);
  }

  takeWord(word: string): void {
    const full = path.resolve(word);
    if (this.exclusions.has(full)) return;
    const meant = checkpointAt(word, this.here);
    if (meant instanceof FdgraftError) this.take(word, full, meant);
    else if (this.options.root.contains(meant)) throw messages.inputInsideRoot(word, this.options.root.given);
    else this.take(word, meant);
  }

  async takePattern(pattern: string): Promise<void> {
    // Loaded only here: words alone need none of it.
    const [{ default: fastGlob }, { default: micromatch }] = await Promise.all([
      import('fast-glob'),
      import('micromatch'),
    ]);
    checkPattern(pattern, pattern, (one) =>
      micromatch.braces(one, { expand: true, nodupes: true, keepEscaping: true }),
    );
    if (!fastGlob.isDynamicPattern(pattern)) {
      if (this.exclusions.has(path.resolve(pattern))) return;
      const problem = pattern.includes(REPLACEMENT)
        ? messages.inputNotUtf8(pattern)
        : messages.cannotReadSource(pattern, { code: 'ENOENT' });
      return this.take(pattern, path.resolve(pattern), problem);
    }
    const tops = new Set(fastGlob.generateTasks(pattern).map(({ base }) => path.resolve(base)));
    let count = 0;
    let linked: string | undefined;
    const take = (full: string, problem?: FdgraftError) => {
      if (this.exclusions.has(full)) return;
      count += 1;
      this.take(pattern, full, problem);
    };
    const matches = fastGlob.stream(hideLineBreaks(pattern), {
      onlyFiles: false,
      objectMode: true,
      followSymbolicLinks: false,
      unique: false,
      fs: { ...this.stats(), readdir: this.readdirFrom(tops, take) as unknown as typeof fs.readdir },
    }) as AsyncIterable<unknown> as AsyncIterable<{ path: string; dirent: fs.Dirent }>;
    for await (const { path: matched, dirent } of matches) {
      this.options.signal?.throwIfAborted();
      const match = showLineBreaks(matched);
      const full = path.resolve(this.here.text, match);
      if (path.basename(full) === INVENTORY_IMAGE) take(path.dirname(full));
      else if (match.includes(REPLACEMENT)) {
        for (const place of this.nonUtf8.checkpoints(full)) take(place, messages.inputNotUtf8(place));
      } else if (dirent.isSymbolicLink()) linked = match;
      else if (dirent.isDirectory()) {
        if (hasInventory(this.here.reach(full)) && !this.options.root.is(full)) take(full);
      } else {
        const is = archiveAt(this.here.reach(full));
        if (is !== false) take(full, is === true ? undefined : is);
      }
    }
    if (count === 0 && tops.size === 1 && [...tops].every((top) => this.options.root.is(top)))
      throw messages.patternMatchesOutputs(pattern, this.options.root.given);
    if (count === 0) throw messages.patternMatchesNothing(pattern, linked);
  }

  /**
   * Lists directories for a pattern: of an image directory only what tells that it is one, so that nothing in it is
   * looked at; of ROOT nothing, nor of another batch's, but where the pattern begins in there. What cannot be listed is
   * told, and the rest goes on.
   */
  private readdirFrom(tops: ReadonlySet<string>, onProblem: (directory: string, problem: FdgraftError) => void) {
    return (directory: string, options: { withFileTypes: true }, done: Done) => {
      const full = path.resolve(this.here.text, showLineBreaks(directory));
      if (this.options.root.is(full)) return done(null, []);
      fs.readdir(this.here.reach(full), options, (error, entries) => {
        if (error !== null) {
          this.tellUnlisted(full, error, onProblem);
          return done(null, []);
        }
        const inventory = entries.find(({ name }) => name === INVENTORY_IMAGE);
        if (inventory !== undefined) return done(null, [inventory]);
        if (!tops.has(full) && entries.some(({ name }) => name === STATE_DIRECTORY)) return done(null, []);
        done(null, entries.filter(({ name }) => !this.exclusions.has(path.join(full, name))).map(withoutLineBreak));
      });
    };
  }

  /** What fast-glob looks at without listing it. */
  private stats(): { lstat: typeof fs.lstat; stat: typeof fs.stat } {
    type Look = (file: string, done: (error: Error | null, stats: fs.Stats) => void) => void;
    const from = (look: Look): Look => {
      return (file, done) => look(this.here.reach(path.resolve(this.here.text, showLineBreaks(file))), done);
    };
    return { lstat: from(fs.lstat), stat: from(fs.stat) } as { lstat: typeof fs.lstat; stat: typeof fs.stat };
  }

  private tellUnlisted(
    full: string,
    error: NodeJS.ErrnoException,
    onProblem: (directory: string, problem: FdgraftError) => void,
  ): void {
    const alike = full.includes(REPLACEMENT) ? this.nonUtf8.directories(full) : [];
    for (const place of alike) onProblem(place, messages.inputNotUtf8(place));
    // Gone, or never there: then the pattern matches nothing.
    if (alike.length > 0 || error.code === 'ENOENT' || error.code === 'ENOTDIR') return;
    onProblem(full, messages.directoryUnreadable(full, error));
  }

  all(): BatchInput[] {
    return [...this.found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  private take(word: string, full: string, problem?: FdgraftError): void {
    const { root } = this.options;
    const name = this.nameOf(word, full);
    const place = this.here.reach(full);
    const known = this.found.get(name);
    if (known !== undefined && known.path !== place) throw messages.sameOutput(known.path, place, name);
    if (known !== undefined && (known.problem === undefined || problem !== undefined)) return;
    if (problem === undefined && root.isInside(full)) throw messages.rootInsideInput(full, root.given);
    // A base above the current directory: the output's path has the name that is not UTF-8.
    const isLost = name.includes(REPLACEMENT) && !place.includes(REPLACEMENT);
    const trouble = problem ?? (isLost ? messages.inputNotUtf8(place) : undefined);
    this.found.set(name, { name, path: place, ...(trouble === undefined ? {} : { problem: trouble }) });
  }

  private nameOf(word: string, full: string): string {
    const base = path.resolve(this.options.base ?? (path.isAbsolute(word) ? '/' : this.here.text));
    const name = path.relative(base, full).split(path.sep).join('/');
    if (name === '') throw messages.inputIsBase(full);
    if (name === '..' || name.startsWith('../') || path.isAbsolute(name)) throw messages.inputOutsideBase(full, base);
    return name;
  }
}

function withoutLineBreak(entry: fs.Dirent): fs.Dirent {
  const name = hideLineBreaks(entry.name);
  return name === entry.name ? entry : Object.create(entry, { name: { value: name, enumerable: true } });
}

function hasInventory(directory: string): boolean {
  try {
    return fs.lstatSync(`${directory}/${INVENTORY_IMAGE}`, { throwIfNoEntry: false }) !== undefined;
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
    return codeOf(error.cause) === 'ENOENT' ? false : messages.fileUnreadable(file, error.cause);
  }
}

/** The path of the checkpoint that a word means which is a path of something, or why there is none. */
function checkpointAt(word: string, here: Here): string | FdgraftError {
  const full = path.resolve(word);
  const place = here.reach(full);
  try {
    const stats = fs.statSync(place);
    if (stats.isFile() && path.basename(full) === INVENTORY_IMAGE) return path.dirname(full);
    // Who names a link means what it leads to.
    if (stats.isDirectory()) {
      fs.accessSync(place, fs.constants.R_OK | fs.constants.X_OK);
      return hasInventory(place) ? full : (unfinishedDumpIn(word) ?? messages.noCheckpoint(word, true));
    }
    const real = fs.realpathSync.native(place, 'buffer');
    if (isArchive(real)) return full;
    const foreign = foreignCompression(real);
    return foreign === undefined ? messages.noCheckpoint(word, false) : messages.compressionUnknown(word, foreign);
  } catch (error) {
    return sourceUnreadable(word, error instanceof FdgraftError ? error.cause : error);
  }
}
