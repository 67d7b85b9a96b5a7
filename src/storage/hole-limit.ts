import type { Stats } from 'node:fs';
import { messages } from '../errors/messages';
import { hasHoles, mapOfFile } from './sparse-file';
import { isSuspicious, isTrap } from './trap';

/** What stat(2) counts in. */
const BLOCK_BYTES = 512;

/**
 * How much was read of the sparse files of a source, and how much of them is on disk: a file of some kilobytes can have
 * terabytes of holes.
 */
export class HoleLimit {
  private stored = 0;
  private read = 0;

  /** Has to count what is read of an open file. Undefined for a file without holes. */
  guard(fd: number, stats: Stats): HoleGuard | undefined {
    return hasHoles(stats) ? new HoleGuard(fd, stats, this) : undefined;
  }

  store(bytes: number): void {
    this.stored += bytes;
  }

  count(bytes: number): void {
    this.read += bytes;
  }

  get isReached(): boolean {
    return isTrap(this.stored, this.read);
  }
}

/** Counts what is read of one sparse file. */
export class HoleGuard {
  private stored = 0;
  private wasChecked = false;

  constructor(
    private readonly fd: number,
    private readonly stats: Stats,
    private readonly limit: HoleLimit,
  ) {}

  /** True if `check` has to be called before more is read. */
  get isDue(): boolean {
    return !this.wasChecked && this.limit.isReached;
  }

  count(bytes: number): void {
    this.store(this.stats.blocks * BLOCK_BYTES);
    this.limit.count(bytes);
  }

  /** Throws FdgraftError if the file is nearly all holes, else an error of the system. `file`: its name in messages. */
  async check(file: string): Promise<void> {
    const { size } = this.stats;
    // A file system that counts no blocks tells of no holes either.
    const { stored } = await mapOfFile(this.fd, size);
    if (isSuspicious(stored, size)) throw messages.fileIsTrap(file, stored, size);
    this.store(stored);
    this.wasChecked = true;
  }

  private store(bytes: number): void {
    this.limit.store(Math.max(0, bytes - this.stored));
    this.stored = Math.max(this.stored, bytes);
  }
}
