import fs, { type BigIntStats, type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { attempt } from './attempt';
import { joinPath } from './byte-path';
import { closeRead } from './close';
import { cannotLook, DirectoryFile, type DirectoryOfFile, FileReader, placeIn, secondsOf } from './directory-file';
import { openRegular } from './open-flags';
import { isSteady, type SeenFiles } from './seen-files';
import type { MemberReader, SourceFile, SourceMember } from './source';

/** The directory of a source, and what is known of it. */
export interface DirectoryTop {
  /** The name of the source in messages. */
  readonly label: string;
  readonly path: Buffer;
  readonly stats: Stats;
  readonly seen: SeenFiles;
}

/** The member of this name in a directory of the source. `found`: a look that was just taken. Throws FdgraftError. */
export async function memberIn(
  { label, seen }: DirectoryTop,
  directory: DirectoryOfFile,
  base: Buffer,
  found?: Stats,
): Promise<SourceMember> {
  const [path, lasting] = [joinPath(directory.path, base), joinPath(directory.lasting, base)];
  const place = placeIn(directory, base, label);
  const { name } = place;
  const isToStay = isSteady(base);
  const look = () => {
    try {
      return fs.lstatSync(path);
    } catch (error) {
      throw cannotLook(isToStay ? seen : undefined, place, lasting, error);
    }
  };
  const stats = found ?? look();
  if (stats.isFile()) {
    const settled = isToStay ? await seen.see(place, stats, look) : stats;
    return new DirectoryFile(directory, base, place, seen, settled);
  }
  const check = (found: Stats | undefined) => {
    if (isToStay) seen.check(place, found);
  };
  const file = { path, lasting, check };
  if (!stats.isSymbolicLink()) {
    if (isToStay) seen.seeOther(place);
    const open = async () => {
      throw messages.notARegularFile(escapeBytes(name));
    };
    const kind = stats.isDirectory() ? 'directory' : 'special';
    return { name, kind, ...modeAndOwner(stats), size: stats.size, mtime: secondsOf(stats), file, open };
  }
  const cannotRead = (error: unknown) => messages.cannotRead(escapeBytes(name), error);
  const target = attempt(() => fs.readlinkSync(path, { encoding: 'buffer' }), cannotRead);
  let behind = attempt(() => statBehind(path), cannotRead);
  if (isToStay && behind?.isFile()) {
    behind = await seen.see(place, behind, () => attempt(() => fs.statSync(path), cannotRead));
  } else if (isToStay) seen.seeOther(place);
  const checkOpened = (stats: Stats) => {
    if (isToStay) seen.checkOpened(place, stats);
  };
  return {
    name,
    kind: 'link',
    ...modeAndOwner(behind ?? stats),
    size: behind?.size ?? 0,
    mtime: secondsOf(behind ?? stats),
    target,
    leadsTo: behind?.isFile() ? 'file' : behind?.isDirectory() ? 'directory' : 'nothing',
    linkOwner: { uid: stats.uid, gid: stats.gid },
    open: async () => openTrustedLink({ ...file, name, checkOpened, isToStay }),
  };
}

/** The file that a link leads to; undefined where it leads to nothing, or where who asks may not look. */
function statBehind(path: Buffer): Stats | undefined {
  try {
    return fs.statSync(path);
  } catch (error) {
    if (LEADS_TO_NOTHING.has(codeOf(error))) return undefined;
    throw error;
  }
}

const LEADS_TO_NOTHING = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'EACCES']);

export function modeAndOwner({ mode, uid, gid }: Stats) {
  return { mode: mode & 0o7777, uid, gid };
}

interface Link extends SourceFile {
  readonly name: Buffer;
  /** The same as `check`, for a file that is read. */
  checkOpened(stats: Stats): void;
  readonly isToStay: boolean;
}

/**
 * Follows a link that we made ourselves, or whose maker owns what it leads to. Any other could be a
 * way to make a privileged user read a file that the maker of the directory cannot.
 */
async function openTrustedLink(file: Link): Promise<MemberReader> {
  const { path, name } = file;
  const lookAtLink = () =>
    attempt(
      () => fs.lstatSync(path, { bigint: true }),
      (error) => messages.cannotRead(escapeBytes(name), error),
    );
  const link = lookAtLink();
  const { reader, owner } = openBehind(file);
  const trusted = Number(link.uid) === process.geteuid?.() || Number(link.uid) === owner;
  if (trusted && sameFile(link, lookAtLink())) return reader;
  await reader.close();
  throw messages.linkNotTrusted(escapeBytes(name));
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs;
}

/** The file that a link leads to, and its owner. */
function openBehind(file: Link): { readonly reader: MemberReader; readonly owner: number } {
  const { path, name, isToStay } = file;
  const opened = attempt(
    () => openRegular(path),
    (error) => {
      if (codeOf(error) === 'ENOENT') file.check(undefined);
      return messages.cannotRead(escapeBytes(name), error);
    },
  );
  if (opened === undefined) throw messages.notARegularFile(escapeBytes(name));
  const { fd, stats } = opened;
  try {
    file.checkOpened(stats);
    return { owner: stats.uid, reader: new FileReader(fd, stats, file, isToStay) };
  } catch (error) {
    closeRead(fd);
    throw error;
  }
}
