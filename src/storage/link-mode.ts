import fs, { constants } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { relativeLink, splitPath } from './byte-path';
import { closeRead } from './close';
import { descriptorPath, NEVER_WAIT_OR_FOLLOW } from './open-flags';
import { whileCopying } from './pass-progress';
import { removeFile } from './remove-file';
import type { SourceFile } from './source';
import { copySparse, hasHoles } from './sparse-file';

/** How a sink takes over an image that did not change. */
export const LINK_MODES = ['auto', 'reflink', 'hard', 'symlink', 'copy'] as const;
/** One of LINK_MODES. `auto` clones, else links pages and copies all other images. */
export type LinkMode = (typeof LINK_MODES)[number];

/** What the file systems say where a way of linking cannot work between two places. */
const UNSUPPORTED = new Set(['EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'ENOTTY', 'EPERM', 'EMLINK']);

/** Larger files are copied in another thread, so that the event loop goes on meanwhile. */
const LARGE_BYTES = 1 << 20;

/** Brings files to a new place; remembers what the file system cannot do, so as not to try it for each. */
export class Linker {
  private canReflink = true;

  /** `lasting`: where what is brought to a place is going to lie, as an absolute path. `signal`: ends long copies. */
  constructor(
    private readonly mode: LinkMode,
    private readonly lasting: (to: Buffer) => Buffer,
    private readonly signal?: AbortSignal,
  ) {}

  /**
   * Brings the file to `to`. `isImage`: it may share storage with the original; `isPages`: it is too
   * large to copy where that can be helped. Resolves to how it was done.
   */
  async bring(file: SourceFile, to: Buffer, isImage: boolean, isPages: boolean): Promise<Exclude<LinkMode, 'auto'>> {
    if (!isImage || this.mode === 'copy') return this.copy(file, to);
    if (this.mode === 'symlink') {
      const [directory] = splitPath(this.lasting(to));
      fs.symlinkSync(relativeLink(directory, file.lasting), to);
      file.check(fs.statSync(file.lasting));
      return 'symlink';
    }
    if (this.mode === 'hard') {
      if (await tryHardLink(file, to)) return 'hard';
      throw messages.linkUnsupported('hard', escapeBytes(file.lasting));
    }
    if (await this.tryReflink(file, to)) return 'reflink';
    if (this.mode === 'reflink') throw messages.linkUnsupported('reflink', escapeBytes(file.lasting));
    if (isPages && (await tryHardLink(file, to))) return 'hard';
    return this.copy(file, to);
  }

  private async copy(file: SourceFile, to: Buffer): Promise<'copy'> {
    await copyHeld(file, to, 0, this.signal);
    return 'copy';
  }

  private async tryReflink(file: SourceFile, to: Buffer): Promise<boolean> {
    if (!this.canReflink) return false;
    const done = await workedOut(() => copyHeld(file, to, constants.COPYFILE_FICLONE_FORCE, this.signal));
    if (!done) {
      this.canReflink = false;
      removeFile(to);
    }
    return done;
  }
}

async function copyHeld(file: SourceFile, to: Buffer, how: number, signal: AbortSignal | undefined): Promise<void> {
  const fd = fs.openSync(file.path, NEVER_WAIT_OR_FOLLOW);
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) throw messages.notARegularFile(escapeBytes(file.lasting));
    file.check(stats);
    const from = process.platform === 'linux' ? descriptorPath(fd) : file.path;
    if (how === 0 && hasHoles(stats)) await whileCopying(to, () => copySparse(fd, to, signal));
    else if (stats.size > LARGE_BYTES)
      await whileCopying(to, () => fs.promises.copyFile(from, to, constants.COPYFILE_EXCL | how));
    else fs.copyFileSync(from, to, constants.COPYFILE_EXCL | how);
    file.check(fs.fstatSync(fd));
  } finally {
    closeRead(fd);
  }
}

/** False where the file system, or the system for its safety, does not do it. */
export async function tryHardLink(file: SourceFile, to: Buffer): Promise<boolean> {
  if (isOfLowerLayer(file.path, to)) return false;
  if (!(await workedOut(async () => fs.linkSync(file.path, to)))) return false;
  // link(2) takes a symbolic link as it is: one that was put there meanwhile must not come along.
  const stats = fs.lstatSync(to);
  if (!stats.isFile()) throw messages.notARegularFile(escapeBytes(file.lasting));
  file.check(stats);
  return true;
}

/**
 * True for a file of a lower layer of an overlay whose layers are on several file systems, as in containers: to link to it
 * copies it up, and its path leads to another file then. Such a file has another device than its directory, as files of
 * the upper layer and mounted ones have, too; only those of the upper layer have that of a new file.
 */
function isOfLowerLayer(file: Buffer, to: Buffer): boolean {
  const [directory] = splitPath(file);
  const { dev } = fs.lstatSync(file);
  return dev !== fs.statSync(directory).dev && dev !== deviceOfNewFile(to);
}

/** Undefined if no file can be made. */
function deviceOfNewFile(file: Buffer): number | undefined {
  try {
    const fd = fs.openSync(file, 'wx', 0o600);
    try {
      return fs.fstatSync(fd).dev;
    } finally {
      fs.closeSync(fd);
      fs.unlinkSync(file);
    }
  } catch {
    return undefined;
  }
}

async function workedOut(attempt: () => Promise<void>): Promise<boolean> {
  try {
    await attempt();
    return true;
  } catch (error) {
    if (UNSUPPORTED.has(codeOf(error))) return false;
    throw error;
  }
}
