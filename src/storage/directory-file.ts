import fs, { type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { attempt } from './attempt';
import { joinPath } from './byte-path';
import { closeRead } from './close';
import { sourceUnreadable } from './denied';
import type { PassedFile } from './directory-progress';
import { NEVER_WAIT_OR_FOLLOW } from './open-flags';
import type { PassLimits } from './pass-limits';
import { isProgressShown } from './pass-progress';
import type { ReadingGuard } from './reading-limit';
import { isSteady, type SeenFiles, type SeenPlace } from './seen-files';
import type { MemberReader, SourceFile, SourceMember } from './source';
import { hasHoles, mapOfFile } from './sparse-file';
import type { SparseMap } from './sparse-map';
import { isDue, yieldToEventLoop } from './yield-to-event-loop';

/** The directory that a file lies in. */
export interface DirectoryOfFile {
  /** Path to reach what is in it by, during the pass. */
  readonly path: Buffer;
  /** Absolute path for messages and links. */
  readonly lasting: Buffer;
  /** The same, one character a byte. */
  readonly key: string;
  /** Path below the source; empty for that itself. */
  readonly name: Buffer;
}

/** The place of a file in a directory of the source that messages call `label`. */
export function placeIn(directory: DirectoryOfFile, name: Buffer, label: string): SeenPlace {
  return {
    key: `${directory.key}/${name.toString('latin1')}`,
    name: directory.name.length === 0 ? name : joinPath(directory.name, name),
    label,
  };
}

/**
 * A file of a directory. A checkpoint has thousands of them, and each look costs as much as reading a small one: it is
 * looked at when it is opened, or when someone asks for what only a look can tell.
 */
export class DirectoryFile implements SourceMember, SourceFile, PassedFile {
  readonly kind = 'file';
  readonly name: Buffer;
  readonly path: Buffer;
  private reader: FileReader | undefined;
  /** It has to be the same at every look. */
  private readonly isSteady: boolean;

  constructor(
    private readonly directory: DirectoryOfFile,
    private readonly base: Buffer,
    private readonly place: SeenPlace,
    private readonly seen: SeenFiles,
    private readonly limits: PassLimits,
    private stats?: Stats,
  ) {
    this.name = place.name;
    this.path = joinPath(directory.path, base);
    this.isSteady = isSteady(base);
  }

  get file(): SourceFile {
    return this;
  }

  get lasting(): Buffer {
    return joinPath(this.directory.lasting, this.base);
  }

  get mode(): number {
    return this.known().mode & 0o7777;
  }

  get uid(): number {
    return this.known().uid;
  }

  get gid(): number {
    return this.known().gid;
  }

  get size(): number {
    return this.known().size;
  }

  get mtime(): number {
    return secondsOf(this.known());
  }

  check(stats: Stats | undefined): void {
    if (this.isSteady) this.seen.check(this.place, stats);
    this.stats ??= stats;
  }

  /** Whether nobody knows yet what the file is that a later pass has to find. */
  get isUnseen(): boolean {
    return this.isSteady && this.seen.isNew(this.place);
  }

  /** Takes note of what it is. Throws FdgraftError where it is not what it was. */
  async see(): Promise<void> {
    this.stats = await this.seen.see(this.place, this.look(), () => this.look());
  }

  async open(): Promise<MemberReader> {
    const { isSteady, place, seen } = this;
    const fd = this.openFile();
    try {
      let stats = this.lookAt(fd);
      if (!stats.isFile()) throw messages.notARegularFile(escapeBytes(this.name));
      if (isSteady && !seen.seeAtOnce(place, stats)) stats = await seen.see(place, stats, () => this.lookAt(fd));
      if (isSteady) seen.noteOpened(place);
      this.stats = stats;
      this.reader = new FileReader(fd, stats, this, isSteady, this.limits);
      return this.reader;
    } catch (error) {
      closeRead(fd);
      throw error;
    }
  }

  get bytesRead(): number {
    return this.reader?.bytesRead ?? 0;
  }

  sizeIfKnown(): number {
    if (this.stats !== undefined) return this.stats.size;
    // It takes a system call, for each of thousands of files.
    return isProgressShown() ? (fs.lstatSync(this.path, { throwIfNoEntry: false })?.size ?? 0) : 0;
  }

  private lookAt(fd: number): Stats {
    return attempt(
      () => fs.fstatSync(fd),
      (error) => messages.cannotRead(escapeBytes(this.name), error),
    );
  }

  private openFile(): number {
    try {
      return fs.openSync(this.path, NEVER_WAIT_OR_FOLLOW);
    } catch (error) {
      // A look tells more than that: it is gone, or its directory is closed to us.
      this.look();
      throw messages.cannotRead(escapeBytes(this.name), error);
    }
  }

  private known(): Stats {
    if (this.stats === undefined) {
      const stats = this.look();
      if (this.isSteady && !this.isUnseen) this.seen.check(this.place, stats);
      this.stats = stats;
    }
    return this.stats;
  }

  private look(): Stats {
    let stats: Stats;
    try {
      stats = fs.lstatSync(this.path);
    } catch (error) {
      throw cannotLook(this.isSteady ? this.seen : undefined, this.place, this.lasting, error);
    }
    if (stats.isFile()) return stats;
    if (this.isSteady) this.seen.seeOther(this.place);
    throw messages.notARegularFile(escapeBytes(this.name));
  }
}

/** The error for a look that failed. `seen`: absent for a file that may change. Throws FdgraftError. */
export function cannotLook(seen: SeenFiles | undefined, place: SeenPlace, lasting: Buffer, error: unknown): Error {
  const code = codeOf(error);
  if (code === 'ENOENT') seen?.miss(place);
  return code === 'EACCES'
    ? sourceUnreadable(escapeBytes(lasting), error)
    : messages.cannotRead(escapeBytes(place.name), error);
}

export function secondsOf({ mtimeMs }: Stats): number {
  return Math.floor(mtimeMs / 1000);
}

/** Reads an open file from its beginning to its end; of a sparse one, the data alone if that is asked for. */
export class FileReader implements MemberReader {
  readonly condense?: () => Promise<SparseMap>;
  private readonly guard: ReadingGuard | undefined;
  private at = 0;
  private map: SparseMap | undefined;
  private stretch = 0;

  /** `isSteady`: its size cannot change until `close`, which checks that. */
  constructor(
    private readonly fd: number,
    private readonly stats: Stats,
    private readonly file: Pick<SourceMember, 'name'> & Pick<SourceFile, 'check'>,
    private readonly isSteady: boolean,
    private readonly limits: PassLimits,
  ) {
    this.guard = limits.amount.guard(fd, stats);
    if (hasHoles(stats)) this.condense = () => this.findData();
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    await yieldToEventLoop();
    this.limits.signal?.throwIfAborted();
    if (this.guard?.isDue(this.map === undefined)) await this.checkAmount(this.guard);
    return this.readAtOnce(into, start, length);
  }

  get bytesRead(): number {
    return this.at;
  }

  readNow(into: Uint8Array, start: number, length: number): number | undefined {
    return isDue() || this.guard?.isDue(this.map === undefined) ? undefined : this.readAtOnce(into, start, length);
  }

  async close(): Promise<void> {
    let stats: Stats;
    try {
      stats = fs.fstatSync(this.fd);
    } catch (error) {
      throw messages.cannotRead(escapeBytes(this.file.name), error);
    } finally {
      closeRead(this.fd);
    }
    this.file.check(stats);
  }

  private readAtOnce(into: Uint8Array, start: number, length: number): number {
    const { map, isSteady, stats } = this;
    let wanted = length;
    if (map !== undefined) {
      while (this.stretch < map.length && map.end(this.stretch) <= this.at) this.stretch += 1;
      if (this.stretch === map.length) return 0;
      this.at = Math.max(this.at, map.offset(this.stretch));
      wanted = Math.min(length, map.end(this.stretch) - this.at);
    } else if (isSteady && this.at === stats.size) return 0;
    try {
      const got = fs.readSync(this.fd, into, start, wanted, this.at);
      this.at += got;
      this.guard?.count(got);
      return got;
    } catch (error) {
      throw messages.cannotRead(escapeBytes(this.file.name), error);
    }
  }

  /** Not of a file that may change while it is read: a log. */
  skip(length: number): number {
    if (!this.isSteady) return 0;
    const skipped = Math.min(length, Math.max(0, this.stats.size - this.at));
    this.at += skipped;
    return skipped;
  }

  private async checkAmount(guard: ReadingGuard): Promise<void> {
    const name = escapeBytes(this.file.name);
    try {
      await guard.check(name);
    } catch (error) {
      throw error instanceof FdgraftError ? error : messages.cannotRead(name, error);
    }
  }

  private async findData(): Promise<SparseMap> {
    try {
      this.map = await mapOfFile(this.fd, this.stats.size);
      return this.map;
    } catch (error) {
      throw messages.cannotRead(escapeBytes(this.file.name), error);
    }
  }
}
