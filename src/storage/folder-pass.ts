import fs, { type Dirent } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { breathe, isDue } from './breath';
import { sourceUnreadable } from './denied';
import { FolderFile, type FolderOfFile, placeIn } from './folder-file';
import { type FolderTop, memberIn } from './folder-member';
import { type HeldFolder, holdFolder } from './held-folder';
import type { SourceFile, SourceMember } from './source';

/** A folder that the pass is in. */
interface OpenFolder extends FolderOfFile {
  readonly held: HeldFolder;
  entries: readonly Dirent<Buffer>[];
  /** Of the entries, the one to be given next. */
  next: number;
}

const AT_END: IteratorResult<SourceMember, undefined> = { done: true, value: undefined };
const NO_NAME = Buffer.alloc(0);

/**
 * One pass over a folder and those below it, a folder before what is in it. It is no async generator: a checkpoint has
 * thousands of members, and each would take several promises.
 */
export class FolderPass implements AsyncIterableIterator<SourceMember> {
  /** The innermost last; undefined before the first member. */
  private folders: OpenFolder[] | undefined;
  private last: SourceMember | undefined;

  /**
   * `first`: members of the top that come before all others. `begin` holds the top. `end` is called when all was given,
   * and may throw.
   */
  constructor(
    private readonly top: FolderTop,
    private readonly first: readonly string[],
    private readonly begin: () => HeldFolder,
    private readonly end: () => void,
  ) {}

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<SourceMember, undefined>> {
    try {
      if (isDue()) await breathe();
      if (this.last instanceof FolderFile && this.last.isUnseen) await this.last.see();
      const folder = this.folderOfNext();
      if (folder === undefined) return AT_END;
      const entry = folder.entries[folder.next] as Dirent<Buffer>;
      folder.next += 1;
      const member = entry.isFile() ? this.fileIn(folder, entry.name) : await memberIn(this.top, folder, entry.name);
      this.last = member;
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

  private fileIn(folder: FolderOfFile, base: Buffer): FolderFile {
    const { label, seen } = this.top;
    return new FolderFile(folder, base, placeIn(folder, base, label), seen);
  }

  /** The folder that has another member, entered or left for; undefined when there is none. */
  private folderOfNext(): OpenFolder | undefined {
    const folders = this.enterNext();
    for (let folder = folders.at(-1); folder !== undefined; folder = folders.at(-1)) {
      if (folder.next < folder.entries.length) return folder;
      folders.pop();
      folder.held.close();
      if (folders.length === 0) this.end();
    }
    return undefined;
  }

  /** The folders that the pass is in, when it has entered the one that comes next. */
  private enterNext(): OpenFolder[] {
    const { top, last } = this;
    this.last = undefined;
    if (this.folders === undefined) {
      this.folders = [];
      this.enter(this.folders, top.path, NO_NAME, this.begin(), this.first);
    } else if (last?.kind === 'folder') {
      const { path, lasting } = last.file as SourceFile;
      this.enter(this.folders, lasting, last.name, hold(path, lasting), []);
    }
    return this.folders;
  }

  private enter(folders: OpenFolder[], lasting: Buffer, name: Buffer, held: HeldFolder, first: readonly string[]) {
    const { label, seen } = this.top;
    const key = lasting.toString('latin1');
    const folder: OpenFolder = { path: held.path, lasting, key, name, held, entries: [], next: 0 };
    // From here on it is closed with all others.
    folders.push(folder);
    folder.entries = listEntries(held.path, lasting, first);
    seen.list(
      { key, name, label },
      folder.entries.map((entry) => entry.name),
    );
  }

  private close(): void {
    for (const { held } of this.folders ?? []) held.close();
    this.folders = [];
    this.last = undefined;
  }
}

/** `lasting`: how messages name it. */
function hold(folder: Buffer, lasting: Buffer): HeldFolder {
  try {
    return holdFolder(folder);
  } catch (error) {
    throw sourceUnreadable(escapeBytes(lasting), error);
  }
}

/** The entries of a folder in byte order, after those in `first`. Throws FdgraftError. */
export function listEntries(folder: Buffer, lasting: Buffer, first: readonly string[]): Dirent<Buffer>[] {
  const rank = ({ name }: Dirent<Buffer>) => {
    const place = first.length === 0 ? -1 : first.indexOf(name.toString('latin1'));
    return place === -1 ? first.length : place;
  };
  try {
    return fs
      .readdirSync(folder, { encoding: 'buffer', withFileTypes: true })
      .map((entry) => ({ entry, rank: rank(entry) }))
      .sort((a, b) => a.rank - b.rank || Buffer.compare(a.entry.name, b.entry.name))
      .map(({ entry }) => entry);
  } catch (error) {
    throw sourceUnreadable(escapeBytes(lasting), error);
  }
}
