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

/**
 * A directory that who asks holds open. Nothing below it is reached through a link: others may put one there, or in the
 * place of a directory above it, at any time.
 */
export interface FixedDirectory {
  /** The paths that begin with it. */
  readonly given: readonly string[];
  /** Absolute and without links. */
  readonly real: Buffer;
}

interface PlaceBelow {
  readonly given: string;
  readonly real: Buffer;
  readonly below: string;
}

/** The beginning of a path that names the directory, and the rest of the path. */
function placeBelow({ given: all, real }: FixedDirectory, file: string): PlaceBelow | undefined {
  for (const given of all) {
    const below = path.relative(given, file);
    if (below !== '..' && !below.startsWith('../')) return { given, real: real.equals(SLASH) ? ROOT : real, below };
  }
  return undefined;
}

function shownBelow(place: Buffer, real: Buffer): string {
  return escapeBytes(place.subarray(real.length + 1));
}

/**
 * The absolute path to write to, free of links. A link on the way counts if it belongs to who asks, to root, or to the
 * owner of what it leads to. Any other would let its maker choose which file of somebody else is written. Throws
 * FdgraftError for such a link, and what the system says if the path leads to nothing. Below `fixed`, none counts.
 */
export function resolveToWrite(file: string, fixed?: FixedDirectory): Buffer {
  if (process.platform === 'win32') return fs.realpathSync.native(file, 'buffer');
  const inside = fixed && placeBelow(fixed, file);
  // The root is empty here, since a slash follows.
  let current: Buffer = inside?.real ?? (file.startsWith('/') ? ROOT : here());
  let parts = partsOf(Buffer.from(inside?.below ?? file));
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
    if (inside !== undefined)
      throw messages.notADirectoryBelowRoot(path.join(inside.given, shownBelow(next, inside.real)));
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
