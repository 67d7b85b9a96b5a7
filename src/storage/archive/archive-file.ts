import fs, { type BigIntStats } from 'node:fs';
import { messages } from '../../errors/messages';
import type { ArchiveForm } from '../form';
import { NEVER_WAIT_OR_FOLLOW } from '../open-flags';

/** The file that an archive is, which has to stay the same while it is read. */
export class ArchiveFile {
  private constructor(
    /** How messages name it. */
    readonly label: string,
    readonly path: Buffer,
    readonly form: ArchiveForm,
    readonly stats: BigIntStats,
  ) {}

  /** Throws FdgraftError (SYSTEM, SOURCE_UNUSABLE). */
  static find(label: string, form: ArchiveForm): ArchiveFile {
    try {
      // The user may name it by a link; from here on it is this very file.
      const path = fs.realpathSync.native(label, 'buffer');
      return new ArchiveFile(label, path, form, fs.statSync(path, { bigint: true }));
    } catch (error) {
      throw messages.cannotRead(label, error);
    }
  }

  get bytes(): number {
    return Number(this.stats.size);
  }

  /** A descriptor of it. Throws FdgraftError where it is another file by now, or was written to. */
  open(): number {
    let fd: number;
    try {
      fd = fs.openSync(this.path, NEVER_WAIT_OR_FOLLOW);
    } catch (error) {
      throw messages.cannotRead(this.label, error);
    }
    if (this.isSame(fs.fstatSync(fd, { bigint: true }))) return fd;
    fs.closeSync(fd);
    throw messages.archiveChanged(this.label);
  }

  /** True where the path leads to what was read. */
  isStillThere(): boolean {
    const stats = fs.lstatSync(this.path, { bigint: true, throwIfNoEntry: false });
    return stats !== undefined && this.isSame(stats);
  }

  modeAndOwner() {
    const { mode, uid, gid } = this.stats;
    return { mode: Number(mode) & 0o777, uid: Number(uid), gid: Number(gid) };
  }

  /** Mode and owner for a folder with what is in it: who may read the one may search the other. */
  folderLike() {
    const { mode, uid, gid } = this.modeAndOwner();
    return { mode: 0o700 | (mode & 0o777) | ((mode & 0o044) >> 2), uid, gid };
  }

  /** The mode of a folder that the archive has a member for: who may not read the archive has no right to it. */
  modeOfTop(mode: number): number {
    const readers = Number(this.stats.mode) & 0o044;
    return mode & (0o7700 | readers | (readers >> 1) | (readers >> 2));
  }

  private isSame(stats: BigIntStats): boolean {
    const { dev, ino, size, mtimeNs } = this.stats;
    return dev === stats.dev && ino === stats.ino && size === stats.size && mtimeNs === stats.mtimeNs && stats.isFile();
  }
}
