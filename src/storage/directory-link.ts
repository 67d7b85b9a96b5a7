import fs, { type BigIntStats, type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { attempt } from './attempt';
import { closeRead } from './close';
import { FileReader, secondsOf } from './directory-file';
import { modeAndOwner } from './mode-and-owner';
import { openRegular } from './open-flags';
import type { PassLimits } from './pass-limits';
import type { SeenFiles, SeenPlace } from './seen-files';
import type { MemberReader, SourceFile, SourceMember } from './source';

/**
 * A symbolic link in a directory of the source, with what lies behind it. `stats`: of the link itself; `steady`: absent
 * for one whose file may change. Throws FdgraftError.
 */
export async function linkIn(
  file: SourceFile,
  place: SeenPlace,
  stats: Stats,
  steady: SeenFiles | undefined,
  limits: PassLimits,
): Promise<SourceMember> {
  const { name } = place;
  const cannotRead = (error: unknown) => messages.cannotRead(escapeBytes(name), error);
  const target = attempt(() => fs.readlinkSync(file.path, { encoding: 'buffer' }), cannotRead);
  let behind = attempt(() => statBehind(file.path), cannotRead);
  if (behind?.isFile()) {
    const look = () => attempt(() => fs.statSync(file.path), cannotRead);
    behind = (await steady?.see(place, behind, look)) ?? behind;
  } else steady?.seeOther(place);
  return {
    name,
    kind: 'link',
    ...modeAndOwner(behind ?? stats),
    size: behind?.size ?? 0,
    mtime: secondsOf(behind ?? stats),
    target,
    leadsTo: behind?.isFile() ? 'file' : behind?.isDirectory() ? 'directory' : 'nothing',
    linkOwner: { uid: stats.uid, gid: stats.gid },
    open: async () => openTrustedLink({ file, place, steady, limits }),
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

interface Link {
  readonly file: SourceFile;
  readonly place: SeenPlace;
  readonly steady: SeenFiles | undefined;
  readonly limits: PassLimits;
}

/**
 * Follows a link that we made ourselves, or whose maker owns what it leads to. Any other could be a
 * way to make a privileged user read a file that the maker of the directory cannot.
 */
async function openTrustedLink(opened: Link): Promise<MemberReader> {
  const { path } = opened.file;
  const { name } = opened.place;
  const lookAtLink = () =>
    attempt(
      () => fs.lstatSync(path, { bigint: true }),
      (error) => messages.cannotRead(escapeBytes(name), error),
    );
  const link = lookAtLink();
  const { reader, owner } = openBehind(opened);
  const trusted = Number(link.uid) === process.geteuid?.() || Number(link.uid) === owner;
  if (trusted && sameFile(link, lookAtLink())) return reader;
  await reader.close();
  throw messages.linkNotTrusted(escapeBytes(name));
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs;
}

/** The file that a link leads to, and its owner. */
function openBehind({ file, place, steady, limits }: Link): { readonly reader: MemberReader; readonly owner: number } {
  const { name } = place;
  const opened = attempt(
    () => openRegular(file.path),
    (error) => {
      if (codeOf(error) === 'ENOENT') file.check(undefined);
      return messages.cannotRead(escapeBytes(name), error);
    },
  );
  if (opened === undefined) throw messages.notARegularFile(escapeBytes(name));
  const { fd, stats } = opened;
  try {
    steady?.checkOpened(place, stats);
    const reader = new FileReader(fd, stats, { ...file, name }, steady !== undefined, limits);
    return { owner: stats.uid, reader };
  } catch (error) {
    closeRead(fd);
    throw error;
  }
}
