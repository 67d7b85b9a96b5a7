import fs, { type Stats } from 'node:fs';
import { messages } from '../../errors/messages';
import { attempt } from '../attempt';
import { closeRead } from '../close';
import type { ArchiveForm } from '../form';
import { NEVER_WAIT_OR_FOLLOW } from '../open-flags';
import { placeOfAlone, type SeenFiles, type SeenPlace } from '../seen-files';
import { isTrapOfPasses } from '../trap';

/** The result of a look at the archive. Throws FdgraftError. */
function readable<T>(label: string, look: () => T): T {
  return attempt(look, (error) => messages.cannotRead(label, error));
}

/** The file that an archive is, which has to stay the same while it is read. */
export class ArchiveFile {
  private bytesRead = 0;

  private constructor(
    /** How messages name it. */
    readonly label: string,
    readonly path: Buffer,
    readonly form: ArchiveForm,
    readonly stats: Stats,
    private readonly seen: SeenFiles,
    private readonly place: SeenPlace,
  ) {}

  /** Throws FdgraftError (SYSTEM, SOURCE_UNUSABLE). */
  static async find(label: string, form: ArchiveForm, seen: SeenFiles): Promise<ArchiveFile> {
    // The user may name it by a link; from here on it is this very file.
    const path = readable(label, () => fs.realpathSync.native(label, 'buffer'));
    const stats = await seen.seeAlone(path, label);
    return new ArchiveFile(label, path, form, stats, seen, placeOfAlone(path, label));
  }

  get bytes(): number {
    return this.stats.size;
  }

  /** A descriptor of it. Throws FdgraftError where it is another file by now, or was written to. */
  open(): number {
    const fd = readable(this.label, () => fs.openSync(this.path, NEVER_WAIT_OR_FOLLOW));
    try {
      const stats = readable(this.label, () => fs.fstatSync(fd));
      this.seen.checkOpened(this.place, stats);
      return fd;
    } catch (error) {
      closeRead(fd);
      throw error;
    }
  }

  /** Throws FdgraftError where the path does not lead to what was read. */
  checkStillThere(): void {
    this.check(readable(this.label, () => fs.lstatSync(this.path, { throwIfNoEntry: false })));
  }

  /** To be told of what is read of the tar, in any pass. Throws FdgraftError if that is suspiciously much. */
  count(bytes: number): void {
    this.bytesRead += bytes;
    if (isTrapOfPasses(this.bytes, this.bytesRead))
      throw messages.archiveIsBomb(this.label, this.bytes, this.bytesRead);
  }

  modeAndOwner() {
    const { mode, uid, gid } = this.stats;
    return { mode: mode & 0o777, uid, gid };
  }

  /** Mode and owner for a directory with what is in it: who may read the one may search the other. */
  directoryLike() {
    const { mode, uid, gid } = this.modeAndOwner();
    return { mode: 0o700 | (mode & 0o777) | ((mode & 0o044) >> 2), uid, gid };
  }

  /** The mode of a directory that the archive has a member for: who may not read the archive has no right to it. */
  modeOfTop(mode: number): number {
    const readers = Number(this.stats.mode) & 0o044;
    return mode & (0o7700 | readers | (readers >> 1) | (readers >> 2));
  }

  private check(stats: Stats | undefined): void {
    this.seen.check(this.place, stats);
  }
}
