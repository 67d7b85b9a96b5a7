import fs, { type BigIntStats, constants, type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { breathe } from './breath';
import { joinPath } from './byte-path';
import { sourceUnreadable } from './denied';
import { type HeldFolder, holdFolder } from './held-folder';
import { NEVER_WAIT_OR_FOLLOW } from './open-flags';
import { isSteady, SeenFiles, type SeenPlace } from './seen-files';
import type { MemberReader, MembersByName, Source, SourceFile, SourceMember } from './source';
import { hasHoles, mapOfFile } from './sparse-file';
import type { SparseMap } from './sparse-map';

export interface FolderOptions {
  /** Members that a pass gives before all others. */
  readonly first?: readonly string[];
  /** What its files were, for who reads it as more than one source. */
  readonly seen?: SeenFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens an image folder. A pass gives the members named in `first` before all others, the rest in
 * byte order, a subfolder before what is in it. An image that is not the same whenever it is looked at is an error.
 */
export async function openFolder(folder: string, options: FolderOptions = {}): Promise<Source> {
  const { first = [], signal, seen = new SeenFiles(signal) } = options;
  const stats = attempt(
    () => fs.statSync(folder),
    (error) => sourceUnreadable(folder, error),
  );
  if (!stats.isDirectory()) throw messages.sourceIsNoFolder(folder);
  const real = fs.realpathSync.native(folder, 'buffer');
  const top: Top = { label: folder, path: real, stats, seen };
  return {
    label: folder,
    form: 'dir',
    folder: real,
    ...modeAndOwner(stats),
    members: () => walkTop(top, first),
    whole: () => walkTop(top, first),
    byName: () => membersOf(top),
    close: async () => {},
  };
}

/** The folder of a source, and what is known of it. */
interface Top {
  readonly label: string;
  readonly path: Buffer;
  readonly stats: Stats;
  readonly seen: SeenFiles;
}

/** A folder or file below it. */
interface Below {
  readonly path: Buffer;
  readonly lasting: Buffer;
  /** Path below the top. */
  readonly name: Buffer;
}

const NO_NAME = Buffer.alloc(0);

function placeOf({ label }: Top, { lasting, name }: Pick<Below, 'lasting' | 'name'>): SeenPlace {
  return { key: lasting.toString('latin1'), name, label };
}

function membersOf(top: Top): MembersByName {
  const held = holdTop(top);
  const folder = placeOf(top, { lasting: top.path, name: NO_NAME });
  if (!top.seen.isListed(folder)) top.seen.list(folder, listNames(held.path, top.path, []));
  return {
    member: async (text) => {
      await breathe();
      // A name can come from a plan: it leads to what lies in the folder, and nowhere else.
      if (/[/\0]/.test(text) || text === '.' || text === '..') return undefined;
      const name = Buffer.from(text);
      const file = { path: joinPath(held.path, name), lasting: joinPath(top.path, name), name };
      const found = lookAt(file.path);
      if (found === 'gone') {
        if (isSteady(name)) top.seen.miss(placeOf(top, file));
        return undefined;
      }
      try {
        return await describe(top, file, found);
      } catch (error) {
        if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    close: async () => held.close(),
  };
}

/** Without an exception, which costs much more than the look: millions of tasks can lack an image. */
function lookAt(file: Buffer): Stats | 'gone' | undefined {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) ?? 'gone';
  } catch {
    // The next look says why it failed.
    return undefined;
  }
}

/** The folder that was opened, and no other one that has its name by now. */
function holdTop(top: Top): HeldFolder {
  let held: HeldFolder;
  try {
    held = holdFolder(top.path);
  } catch (error) {
    const isGone = ['ENOENT', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw isGone ? messages.sourceMoved(top.label) : sourceUnreadable(escapeBytes(top.path), error);
  }
  if (isTop(top, fs.statSync(held.path))) return held;
  held.close();
  throw messages.sourceMoved(top.label);
}

function isTop({ stats }: Top, { dev, ino }: Stats): boolean {
  return dev === stats.dev && ino === stats.ino;
}

/** `lasting`: how messages name it. */
function hold(folder: Buffer, lasting: Buffer) {
  return attempt(
    () => holdFolder(folder),
    (error) => sourceUnreadable(escapeBytes(lasting), error),
  );
}

/** What a system call gives, or the message that its failure becomes. */
function attempt<T>(call: () => T, explain: (error: unknown) => Error): T {
  try {
    return call();
  } catch (error) {
    throw explain(error);
  }
}

async function* walkTop(top: Top, first: readonly string[]): AsyncGenerator<SourceMember, void, undefined> {
  yield* walk(top, { lasting: top.path, name: NO_NAME }, holdTop(top), first);
  // What links lead to goes by the path.
  const stats = fs.lstatSync(top.path, { throwIfNoEntry: false });
  if (stats === undefined || !isTop(top, stats)) throw messages.sourceMoved(top.label);
}

async function* walk(
  top: Top,
  folder: Pick<Below, 'lasting' | 'name'>,
  held: HeldFolder,
  first: readonly string[],
): AsyncGenerator<SourceMember, void, undefined> {
  try {
    const names = listNames(held.path, folder.lasting, first);
    top.seen.list(placeOf(top, folder), names);
    for (const name of names) {
      await breathe();
      const below = {
        path: joinPath(held.path, name),
        lasting: joinPath(folder.lasting, name),
        name: folder.name.length === 0 ? name : joinPath(folder.name, name),
      };
      const member = await describe(top, below);
      yield member;
      if (member.kind === 'folder') yield* walk(top, below, hold(below.path, below.lasting), []);
    }
  } finally {
    held.close();
  }
}

function listNames(folder: Buffer, lasting: Buffer, first: readonly string[]): Buffer[] {
  const names = attempt(
    () => fs.readdirSync(folder, { encoding: 'buffer' }),
    (error) => sourceUnreadable(escapeBytes(lasting), error),
  );
  const rank = (name: Buffer) => {
    const place = first.indexOf(name.toString('latin1'));
    return place === -1 ? first.length : place;
  };
  return names
    .map((name) => ({ name, rank: rank(name) }))
    .sort((a, b) => a.rank - b.rank || Buffer.compare(a.name, b.name))
    .map(({ name }) => name);
}

/** `found`: a look that was just taken. */
async function describe(top: Top, below: Below, found?: Stats): Promise<SourceMember> {
  const { path, lasting, name } = below;
  const { seen } = top;
  const cannotRead = (error: unknown) => messages.cannotRead(escapeBytes(name), error);
  const place = isSteady(name) ? placeOf(top, below) : undefined;
  const check = (found: Stats | undefined) => {
    if (place !== undefined) seen.check(place, found);
  };
  const file = { path, lasting, check };
  const checkOpened = (found: Stats) => {
    if (place !== undefined) seen.checkOpened(place, found);
  };
  const look = () =>
    attempt(
      () => fs.lstatSync(path),
      (error) => {
        const { code } = error as NodeJS.ErrnoException;
        if (place !== undefined && code === 'ENOENT') seen.miss(place);
        return code === 'EACCES' ? sourceUnreadable(escapeBytes(lasting), error) : cannotRead(error);
      },
    );
  let stats = found ?? look();
  if (!stats.isSymbolicLink()) {
    if (place !== undefined && stats.isFile()) stats = await seen.see(place, stats, look);
    else if (place !== undefined) seen.seeOther(place);
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'special';
    return {
      name,
      kind,
      ...modeAndOwner(stats),
      size: stats.size,
      mtime: secondsOf(stats),
      file,
      open: async () => openAsFile({ ...file, checkOpened }, name, NEVER_WAIT_OR_FOLLOW),
    };
  }
  const target = attempt(() => fs.readlinkSync(path, { encoding: 'buffer' }), cannotRead);
  let behind = statBehind(path);
  if (place !== undefined && behind?.isFile()) {
    const lookBehind = () => attempt(() => fs.statSync(path), cannotRead);
    behind = await seen.see(place, behind, lookBehind);
  } else if (place !== undefined) seen.seeOther(place);
  return {
    name,
    kind: 'link',
    ...modeAndOwner(behind ?? stats),
    size: behind?.size ?? 0,
    mtime: secondsOf(behind ?? stats),
    target,
    leadsTo: behind?.isFile() ? 'file' : behind?.isDirectory() ? 'folder' : 'nothing',
    linkOwner: { uid: stats.uid, gid: stats.gid },
    open: async () => openTrustedLink({ ...file, checkOpened }, name),
  };
}

/** What a link leads to; undefined where that is not to be known, for whatever reason. */
function statBehind(path: Buffer): Stats | undefined {
  try {
    return fs.statSync(path);
  } catch {
    return undefined;
  }
}

function secondsOf({ mtimeMs }: Stats): number {
  return Math.floor(mtimeMs / 1000);
}

function modeAndOwner({ mode, uid, gid }: Stats) {
  return { mode: mode & 0o7777, uid, gid };
}

/**
 * Follows a link that we made ourselves, or whose maker owns what it leads to. Any other could be a
 * way to make a privileged user read a file that the maker of the folder cannot.
 */
async function openTrustedLink(file: OpenedFile, name: Buffer): Promise<MemberReader> {
  const { path } = file;
  const lookAtLink = () =>
    attempt(
      () => fs.lstatSync(path, { bigint: true }),
      (error) => messages.cannotRead(escapeBytes(name), error),
    );
  const link = lookAtLink();
  const opened = openAsFile(file, name, constants.O_RDONLY | constants.O_NONBLOCK);
  const trusted = Number(link.uid) === process.geteuid?.() || Number(link.uid) === opened.owner;
  if (trusted && sameFile(link, lookAtLink())) return opened;
  await opened.close();
  throw messages.linkNotTrusted(escapeBytes(name));
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs;
}

/** Reads a file from its beginning to its end; of a sparse one, the data alone if that is asked for. */
function reading(fd: number, stats: Stats, explain: (error: unknown) => Error): Omit<MemberReader, 'close'> {
  let at = 0;
  let stretch = 0;
  let map: SparseMap | undefined;
  const read = async (into: Uint8Array, start: number, length: number) => {
    await breathe();
    let wanted = length;
    if (map !== undefined) {
      while (stretch < map.length && map.end(stretch) <= at) stretch += 1;
      if (stretch === map.length) return 0;
      at = Math.max(at, map.offset(stretch));
      wanted = Math.min(length, map.end(stretch) - at);
    }
    const got = attempt(() => fs.readSync(fd, into, start, wanted, at), explain);
    at += got;
    return got;
  };
  if (!hasHoles(stats)) return { read };
  const condense = async () => {
    map = await mapOfFile(fd, stats.size).catch((error) => {
      throw explain(error);
    });
    return map;
  };
  return { read, condense };
}

interface OpenedFile extends SourceFile {
  /** The same as `check`, for a file that is read. */
  checkOpened(stats: Stats): void;
}

/** The file that was seen, and that still when it was read. */
function openAsFile(file: OpenedFile, name: Buffer, flags: number): MemberReader & { owner: number } {
  const cannotRead = (error: unknown) => messages.cannotRead(escapeBytes(name), error);
  const fd = attempt(
    () => fs.openSync(file.path, flags),
    (error) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') file.check(undefined);
      return cannotRead(error);
    },
  );
  try {
    const stats = fs.fstatSync(fd);
    if (!stats.isFile()) throw messages.notARegularFile(escapeBytes(name));
    file.checkOpened(stats);
    return {
      owner: stats.uid,
      ...reading(fd, stats, cannotRead),
      close: async () => {
        try {
          file.check(fs.fstatSync(fd));
        } finally {
          fs.closeSync(fd);
        }
      },
    };
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
}
