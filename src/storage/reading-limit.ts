import type { Stats } from 'node:fs';
import { messages } from '../errors/messages';
import { BLOCK_BYTES, mapOfFile } from './sparse-file';
import { isReadTooOften, isSuspicious, isTrap } from './trap';

/** Smaller files are not counted: a name in a directory costs hardly less. */
const LEAST_BYTES = 1 << 16;

/**
 * Compares the bytes that were read with those of the files: some kilobytes on disk can have terabytes of holes,
 * and a file of gigabytes any number of names.
 */
export class ReadingLimit {
  private stored = 0;
  private size = 0;
  private read = 0;
  private readonly seen = new Set<string>();

  /** Has to count what is read of an open file. Undefined for a small one. */
  guard(fd: number, stats: Stats): ReadingGuard | undefined {
    return stats.size < LEAST_BYTES ? undefined : new ReadingGuard(fd, stats, this);
  }

  /** A file that is read, under whatever name. */
  add({ dev, ino, size, blocks }: Stats): void {
    const id = `${dev}:${ino}`;
    if (this.seen.has(id)) return;
    this.seen.add(id);
    this.size += size;
    this.stored += Math.min(size, blocks * BLOCK_BYTES);
  }

  /** More of a file is on disk than its blocks said. */
  store(bytes: number): void {
    this.stored += bytes;
  }

  count(bytes: number): void {
    this.read += bytes;
  }

  /** True if some file may be nearly all holes. */
  get hasHoles(): boolean {
    return isTrap(this.stored, this.read);
  }

  /** True if files are read so often that they must have many names. */
  get hasLinks(): boolean {
    return isReadTooOften(this.size, this.read);
  }

  /** To throw if `hasLinks`. `file`: the name in messages. */
  refuseLinks(file: string): never {
    throw messages.linksAreTrap(file, this.size, this.read);
  }
}

/** Counts what is read of one open file. */
export class ReadingGuard {
  private wasChecked = false;

  constructor(
    private readonly fd: number,
    private readonly stats: Stats,
    private readonly limit: ReadingLimit,
  ) {
    limit.add(stats);
  }

  /** True if `check` has to be called before more is read, be it `withHoles` or data alone. */
  isDue(withHoles: boolean): boolean {
    return this.limit.hasLinks || (withHoles && !this.wasChecked && this.limit.hasHoles);
  }

  count(bytes: number): void {
    this.limit.count(bytes);
  }

  /** Throws FdgraftError if the file is nearly all holes or has too many names, else an error of the system. */
  async check(file: string): Promise<void> {
    if (this.limit.hasLinks) this.limit.refuseLinks(file);
    const { size, blocks } = this.stats;
    // A file system that counts no blocks tells of no holes either.
    const { stored } = await mapOfFile(this.fd, size);
    if (isSuspicious(stored, size)) throw messages.fileIsTrap(file, stored, size);
    this.limit.store(Math.max(0, stored - blocks * BLOCK_BYTES));
    this.wasChecked = true;
  }
}
