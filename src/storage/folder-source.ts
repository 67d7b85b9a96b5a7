import fs, { type BigIntStats, constants } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { breathe } from './breath';
import { joinPath } from './byte-path';
import { holdFolder } from './held-folder';
import { NEVER_WAIT_OR_FOLLOW } from './open-flags';
import type { MemberReader, MembersByName, Source, SourceFile, SourceMember } from './source';

/**
 * Opens an image folder. A pass gives the members named in `first` before all others, the rest in
 * byte order, a subfolder before what is in it.
 */
export async function openFolder(folder: string, first: readonly string[] = []): Promise<Source> {
  const stats = attempt(
    () => fs.statSync(folder),
    (error) => messages.cannotReadSource(folder, error),
  );
  if (!stats.isDirectory()) throw messages.sourceIsNoFolder(folder);
  const real = fs.realpathSync.native(folder, 'buffer');
  return {
    label: folder,
    form: 'dir',
    folder: real,
    ...modeAndOwner(stats),
    members: () => walk({ path: real, lasting: real }, undefined, first),
    whole: () => walk({ path: real, lasting: real }, undefined, first),
    byName: () => membersOf(real),
    close: async () => {},
  };
}

function membersOf(folder: Buffer): MembersByName {
  const held = hold(folder, folder);
  return {
    member: async (text) => {
      await breathe();
      // A name can come from a plan: it leads to what lies in the folder, and nowhere else.
      if (/[/\0]/.test(text) || text === '.' || text === '..') return undefined;
      const name = Buffer.from(text);
      const file = { path: joinPath(held.path, name), lasting: joinPath(folder, name) };
      try {
        return describe(file, name);
      } catch (error) {
        if (((error as Error).cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
        throw error;
      }
    },
    close: async () => held.close(),
  };
}

/** `lasting`: how messages name it. */
function hold(folder: Buffer, lasting: Buffer) {
  return attempt(
    () => holdFolder(folder),
    (error) => messages.cannotReadSource(escapeBytes(lasting), error),
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

async function* walk(
  folder: SourceFile,
  prefix: Buffer | undefined,
  first: readonly string[],
): AsyncGenerator<SourceMember, void, undefined> {
  const held = hold(folder.path, folder.lasting);
  try {
    for (const name of listNames(held.path, folder.lasting, first)) {
      await breathe();
      const file = { path: joinPath(held.path, name), lasting: joinPath(folder.lasting, name) };
      const member = describe(file, prefix === undefined ? name : joinPath(prefix, name));
      yield member;
      if (member.kind === 'folder') yield* walk(file, member.name, []);
    }
  } finally {
    held.close();
  }
}

function listNames(folder: Buffer, lasting: Buffer, first: readonly string[]): Buffer[] {
  const names = attempt(
    () => fs.readdirSync(folder, { encoding: 'buffer' }),
    (error) => messages.cannotReadSource(escapeBytes(lasting), error),
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

function describe(file: SourceFile, name: Buffer): SourceMember {
  const { path } = file;
  const cannotRead = (error: unknown) => messages.cannotRead(escapeBytes(name), error);
  const stats = attempt(() => fs.lstatSync(path), cannotRead);
  if (!stats.isSymbolicLink()) {
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'special';
    const { size } = stats;
    return {
      name,
      kind,
      ...modeAndOwner(stats),
      size,
      mtime: secondsOf(stats),
      file,
      open: async () => openAsFile(path, name, NEVER_WAIT_OR_FOLLOW),
    };
  }
  const target = attempt(() => fs.readlinkSync(path, { encoding: 'buffer' }), cannotRead);
  const behind = statBehind(path);
  return {
    name,
    kind: 'link',
    ...modeAndOwner(behind ?? stats),
    size: behind?.size ?? 0,
    mtime: secondsOf(behind ?? stats),
    target,
    leadsTo: behind?.isFile() ? 'file' : behind?.isDirectory() ? 'folder' : 'nothing',
    linkOwner: { uid: stats.uid, gid: stats.gid },
    open: async () => openTrustedLink(path, name),
  };
}

/** What a link leads to; undefined where that is not to be known, for whatever reason. */
function statBehind(path: Buffer): fs.Stats | undefined {
  try {
    return fs.statSync(path);
  } catch {
    return undefined;
  }
}

function secondsOf({ mtimeMs }: fs.Stats): number {
  return Math.floor(mtimeMs / 1000);
}

function modeAndOwner(stats: { mode: number; uid: number; gid: number }) {
  return { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
}

/**
 * Follows a link that we made ourselves, or whose maker owns what it leads to. Any other could be a
 * way to make a privileged user read a file that the maker of the folder cannot.
 */
function openTrustedLink(path: Buffer, name: Buffer): MemberReader {
  const lookAtLink = () =>
    attempt(
      () => fs.lstatSync(path, { bigint: true }),
      (error) => messages.cannotRead(escapeBytes(name), error),
    );
  const link = lookAtLink();
  const opened = openAsFile(path, name, constants.O_RDONLY | constants.O_NONBLOCK);
  const trusted = Number(link.uid) === process.geteuid?.() || Number(link.uid) === opened.owner;
  if (trusted && sameFile(link, lookAtLink())) return opened;
  void opened.close();
  throw messages.linkNotTrusted(escapeBytes(name));
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs;
}

function openAsFile(path: Buffer, name: Buffer, flags: number): MemberReader & { owner: number } {
  const cannotRead = (error: unknown) => messages.cannotRead(escapeBytes(name), error);
  const fd = attempt(() => fs.openSync(path, flags), cannotRead);
  const stats = fs.fstatSync(fd);
  if (!stats.isFile()) {
    fs.closeSync(fd);
    throw messages.notARegularFile(escapeBytes(name));
  }
  return {
    owner: stats.uid,
    read: async (into, start, length) => {
      await breathe();
      return attempt(() => fs.readSync(fd, into, start, length, null), cannotRead);
    },
    close: async () => fs.closeSync(fd),
  };
}
