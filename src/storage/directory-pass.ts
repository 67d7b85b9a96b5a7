import fs, { type Dirent } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { sourceUnreadable } from './denied';
import { DirectoryFile, type DirectoryOfFile, placeIn } from './directory-file';
import { type DirectoryTop, memberIn } from './directory-member';
import { DirectoryProgress } from './directory-progress';
import { type HeldDirectory, holdDirectory } from './held-directory';
import { beginPass } from './pass-progress';
import type { SourceFile, SourceMember } from './source';
import { isDue, yieldToEventLoop } from './yield-to-event-loop';

/** A directory that the pass is in. */
interface OpenDirectory extends DirectoryOfFile {
  readonly held: HeldDirectory;
  entries: readonly Dirent<Buffer>[];
  /** Of the entries, the one to be given next. */
  next: number;
}

const AT_END: IteratorResult<SourceMember, undefined> = { done: true, value: undefined };
const NO_NAME = Buffer.alloc(0);

/**
 * One pass over a directory and those below it, a directory before what is in it. It is no async generator: a
 * checkpoint has thousands of members, and each would take several promises.
 */
export class DirectoryPass implements AsyncIterableIterator<SourceMember> {
  /** The innermost last; undefined before the first member. */
  private directories: OpenDirectory[] | undefined;
  private last: SourceMember | undefined;
  private readonly progress: DirectoryProgress;

  /**
   * `first`: members of the top that come before all others. `begin` holds the top. `end` is called when all was given,
   * and may throw.
   */
  constructor(
    private readonly top: DirectoryTop,
    private readonly first: readonly string[],
    private readonly begin: () => HeldDirectory,
    private readonly end: () => void,
  ) {
    this.progress = new DirectoryProgress(top.label, top.path);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SourceMember, undefined>> {
    try {
      if (isDue()) await yieldToEventLoop();
      if (this.last instanceof DirectoryFile && this.last.isUnseen) await this.last.see();
      const directory = this.directoryOfNext();
      this.progress.moveTo(undefined);
      if (directory === undefined) return AT_END;
      const entry = directory.entries[directory.next] as Dirent<Buffer>;
      directory.next += 1;
      const member = entry.isFile()
        ? this.fileIn(directory, entry.name)
        : await memberIn(this.top, directory, entry.name);
      this.last = member;
      if (member instanceof DirectoryFile) this.progress.moveTo(member);
      return { done: false, value: member };
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async return(): Promise<IteratorResult<SourceMember, undefined>> {
    this.close();
    return AT_END;
  }

  private fileIn(directory: DirectoryOfFile, base: Buffer): DirectoryFile {
    const { label, seen, limits } = this.top;
    return new DirectoryFile(directory, base, placeIn(directory, base, label), seen, limits);
  }

  /** The directory that has another member, entered or left for; undefined when there is none. */
  private directoryOfNext(): OpenDirectory | undefined {
    const directories = this.enterNext();
    for (let directory = directories.at(-1); directory !== undefined; directory = directories.at(-1)) {
      if (directory.next < directory.entries.length) return directory;
      directories.pop();
      directory.held.close();
      if (directories.length === 0) this.end();
    }
    return undefined;
  }

  /** The directories that the pass is in, when it has entered the one that comes next. */
  private enterNext(): OpenDirectory[] {
    const { top, last } = this;
    this.last = undefined;
    if (this.directories === undefined) {
      this.directories = [];
      beginPass(this.progress);
      this.enter(this.directories, top.path, NO_NAME, this.begin(), this.first);
    } else if (last?.kind === 'directory') {
      const { path, lasting } = last.file as SourceFile;
      this.enter(this.directories, lasting, last.name, hold(path, lasting), []);
    }
    return this.directories;
  }

  private enter(
    directories: OpenDirectory[],
    lasting: Buffer,
    name: Buffer,
    held: HeldDirectory,
    first: readonly string[],
  ) {
    const { label, seen } = this.top;
    const key = lasting.toString('latin1');
    const directory: OpenDirectory = { path: held.path, lasting, key, name, held, entries: [], next: 0 };
    // From here on it is closed with all others.
    directories.push(directory);
    directory.entries = listEntries(held.path, lasting, first);
    seen.list(
      { key, name, label },
      directory.entries.map((entry) => entry.name),
    );
  }

  private close(): void {
    for (const { held } of this.directories ?? []) held.close();
    this.directories = [];
    this.last = undefined;
  }
}

/** `lasting`: how messages name it. */
function hold(directory: Buffer, lasting: Buffer): HeldDirectory {
  try {
    return holdDirectory(directory);
  } catch (error) {
    throw sourceUnreadable(escapeBytes(lasting), error);
  }
}

/** The entries of a directory in byte order, after those in `first`. Throws FdgraftError. */
export function listEntries(directory: Buffer, lasting: Buffer, first: readonly string[]): Dirent<Buffer>[] {
  const rank = ({ name }: Dirent<Buffer>) => {
    const place = first.length === 0 ? -1 : first.indexOf(name.toString('latin1'));
    return place === -1 ? first.length : place;
  };
  try {
    return fs
      .readdirSync(directory, { encoding: 'buffer', withFileTypes: true })
      .map((entry) => ({ entry, rank: rank(entry) }))
      .sort((a, b) => a.rank - b.rank || Buffer.compare(a.entry.name, b.entry.name))
      .map(({ entry }) => entry);
  } catch (error) {
    throw sourceUnreadable(escapeBytes(lasting), error);
  }
}
