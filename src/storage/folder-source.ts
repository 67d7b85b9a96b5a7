import { type BigIntStats, constants } from 'node:fs';
import fs from 'node:fs/promises';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { descriptorPath, NEVER_WAIT_OR_FOLLOW } from './open-flags';
import type { MemberReader, Source, SourceFile, SourceMember } from './source';

/**
 * Opens an image folder. A pass gives the members named in `first` before all others, the rest in
 * byte order, a subfolder before what is in it.
 */
export async function openFolder(folder: string, first: readonly string[] = []): Promise<Source> {
  const stats = await fs.stat(folder).catch((error) => {
    throw messages.cannotReadSource(folder, error);
  });
  if (!stats.isDirectory()) throw messages.sourceIsNoFolder(folder);
  const real = Buffer.from(await fs.realpath(folder, 'buffer'));
  return {
    label: folder,
    folder: real,
    ...modeAndOwner(stats),
    members: () => walk({ path: real, lasting: real }, undefined, first),
  };
}

async function* walk(
  folder: SourceFile,
  prefix: Buffer | undefined,
  first: readonly string[],
): AsyncGenerator<SourceMember, void, undefined> {
  const held = await holdFolder(folder.path);
  try {
    for (const name of await listNames(held.path, first)) {
      const file = { path: joinPath(held.path, name), lasting: joinPath(folder.lasting, name) };
      const member = await describe(file, prefix === undefined ? name : joinPath(prefix, name));
      yield member;
      if (member.kind === 'folder') yield* walk(file, member.name, []);
    }
  } finally {
    await held.close();
  }
}

/**
 * Keeps a folder open, so that what is below it is reached through the folder that was looked at, not
 * through a link that someone put in its place meanwhile.
 */
async function holdFolder(path: Buffer): Promise<{ path: Buffer; close: () => Promise<void> }> {
  if (process.platform !== 'linux') return { path, close: async () => {} };
  const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
  const handle = await fs.open(path, flags).catch((error) => {
    throw messages.cannotReadSource(escapeBytes(path), error);
  });
  return { path: descriptorPath(handle), close: () => handle.close() };
}

async function listNames(folder: Buffer, first: readonly string[]): Promise<Buffer[]> {
  const names = await fs.readdir(folder, { encoding: 'buffer' }).catch((error) => {
    throw messages.cannotReadSource(escapeBytes(folder), error);
  });
  const rank = (name: Buffer) => {
    const place = first.indexOf(name.toString('latin1'));
    return place === -1 ? first.length : place;
  };
  return names
    .map((name) => ({ name, rank: rank(name) }))
    .sort((a, b) => a.rank - b.rank || Buffer.compare(a.name, b.name))
    .map(({ name }) => name);
}

async function describe(file: SourceFile, name: Buffer): Promise<SourceMember> {
  const { path } = file;
  const stats = await fs.lstat(path).catch((error) => {
    throw messages.cannotRead(escapeBytes(name), error);
  });
  if (!stats.isSymbolicLink()) {
    const kind = stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'special';
    return { name, kind, ...modeAndOwner(stats), file, open: () => openRegularFile(path, name) };
  }
  const target = Buffer.from(await fs.readlink(path, { encoding: 'buffer' }));
  const behind = await fs.stat(path).catch(() => stats);
  return { name, kind: 'link', ...modeAndOwner(behind), target, open: () => openTrustedLink(path, name) };
}

function modeAndOwner(stats: { mode: number; uid: number; gid: number }) {
  return { mode: stats.mode & 0o7777, uid: stats.uid, gid: stats.gid };
}

function openRegularFile(path: Buffer, name: Buffer): Promise<MemberReader> {
  return openAsFile(path, name, NEVER_WAIT_OR_FOLLOW);
}

/**
 * Follows a link that we made ourselves, or whose maker owns what it leads to. Any other could be a
 * way to make a privileged user read a file that the maker of the folder cannot.
 */
async function openTrustedLink(path: Buffer, name: Buffer): Promise<MemberReader> {
  const link = await fs.lstat(path, { bigint: true });
  const reader = await openAsFile(path, name, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const owner = (await reader.stat()).uid;
    const trusted = Number(link.uid) === process.geteuid?.() || Number(link.uid) === owner;
    if (!trusted || !sameFile(link, await fs.lstat(path, { bigint: true }))) {
      throw messages.linkNotTrusted(escapeBytes(name));
    }
    return reader;
  } catch (error) {
    await reader.close();
    throw error;
  }
}

function sameFile(a: BigIntStats, b: BigIntStats): boolean {
  return a.dev === b.dev && a.ino === b.ino && a.ctimeNs === b.ctimeNs;
}

async function openAsFile(path: Buffer, name: Buffer, flags: number) {
  const handle = await fs.open(path, flags).catch((error) => {
    throw messages.cannotRead(escapeBytes(name), error);
  });
  const stats = await handle.stat();
  if (!stats.isFile()) {
    await handle.close();
    throw messages.notARegularFile(escapeBytes(name));
  }
  return {
    read: async (into: Uint8Array, start: number, length: number) =>
      (await handle.read(into, start, length, null)).bytesRead,
    stat: () => handle.stat(),
    close: () => handle.close(),
  };
}
