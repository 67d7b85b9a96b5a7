import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';

/** Linux follows so many links in one path. */
const MAX_LINKS = 40;
const SLASH = Buffer.from('/');
const ROOT = Buffer.alloc(0);
const DOTS = Buffer.from('..');

interface Fixed {
  readonly given: string;
  readonly real: Buffer;
}

const allFixed = new Set<Fixed>();

/**
 * Until what it returns is called, `resolveToWrite` takes `given` for `real`, an absolute path without links, and
 * refuses each link below it: others may put one there, or in the place of a directory above it, at any time.
 */
export function fixDirectory(given: string, real: Buffer): () => void {
  const fixed = { given, real: real.equals(SLASH) ? ROOT : real };
  allFixed.add(fixed);
  return () => void allFixed.delete(fixed);
}

/** The fixed directory that a path begins with, and the rest of the path. */
function fixedAround(file: string): (Fixed & { readonly below: string }) | undefined {
  for (const fixed of allFixed) {
    const below = path.relative(fixed.given, file);
    if (below !== '..' && !below.startsWith('../')) return { ...fixed, below };
  }
  return undefined;
}

function shownBelow(place: Buffer, real: Buffer): string {
  return escapeBytes(place.subarray(real.length + 1));
}

/**
 * The absolute path to write to, free of links. A link on the way counts if it belongs to who asks, to root, or to the
 * owner of what it leads to. Any other would let its maker choose which file of somebody else is written. Throws
 * FdgraftError for such a link, and what the system says if the path leads to nothing.
 */
export function resolveToWrite(file: string): Buffer {
  if (process.platform === 'win32') return fs.realpathSync.native(file, 'buffer');
  const fixed = fixedAround(file);
  // The root is empty here, since a slash follows.
  let current: Buffer = fixed?.real ?? (file.startsWith('/') ? ROOT : here());
  let parts = partsOf(Buffer.from(fixed?.below ?? file));
  for (let links = 0; ; ) {
    const [part, ...rest] = parts;
    if (part === undefined) return current.length === 0 ? SLASH : current;
    parts = rest;
    if (part.equals(DOTS)) {
      current = above(current);
      continue;
    }
    const next = joinPath(current, part);
    const stats = fs.lstatSync(next);
    if (!stats.isSymbolicLink()) {
      // As the system does: what is no directory has nothing in it, not even "..".
      if (rest.length > 0 && !stats.isDirectory())
        throw Object.assign(new Error('not a directory'), { code: 'ENOTDIR' });
      current = next;
      continue;
    }
    if (fixed !== undefined)
      throw messages.notADirectoryBelowRoot(path.join(fixed.given, shownBelow(next, fixed.real)));
    links += 1;
    if (links > MAX_LINKS) throw Object.assign(new Error('too many symbolic links'), { code: 'ELOOP' });
    refuseLinkOfOthers(next, stats.uid, file);
    const target = fs.readlinkSync(next, { encoding: 'buffer' });
    if (target[0] === SLASH[0]) current = ROOT;
    parts = [...partsOf(target), ...rest];
  }
}

function refuseLinkOfOthers(link: Buffer, owner: number, file: string): void {
  if (owner === 0 || owner === process.geteuid?.() || fs.statSync(link).uid === owner) return;
  throw messages.outThroughLink(file, escapeBytes(link), escapeBytes(fs.realpathSync.native(link, 'buffer')));
}

function partsOf(path: Buffer): Buffer[] {
  const names = path.toString('latin1').split('/');
  return names.filter((name) => name !== '' && name !== '.').map((name) => Buffer.from(name, 'latin1'));
}

function above(directory: Buffer): Buffer {
  return directory.subarray(0, Math.max(directory.lastIndexOf('/'), 0));
}

function here(): Buffer {
  const directory = fs.realpathSync.native('.', 'buffer');
  return directory.equals(SLASH) ? ROOT : directory;
}
