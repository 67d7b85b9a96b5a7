import fs, { constants } from 'node:fs';
import path from 'node:path';
import { escapeControls } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { type Denied, isDenied } from '../errors/denied';
import type { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';

const { R_OK, X_OK } = constants;
const MAX_LINKS = 40;

/** Why a checkpoint cannot be read: with the directory or file that denies it, if a permission is missing. */
export function sourceUnreadable(place: string, cause: unknown): FdgraftError {
  if (!isDenied(cause)) return messages.cannotReadSource(place, cause);
  return messages.accessDenied(place, tryToFind(place), cause);
}

/** What is there may have changed meanwhile, and a name that is not UTF-8 leads nowhere. */
function tryToFind(place: string): Denied | undefined {
  try {
    return findDenied(path.resolve(place), MAX_LINKS);
  } catch {
    return undefined;
  }
}

/** The first on the way; undefined if none is found, since more than modes can deny access. */
function findDenied(place: string, linksLeft: number): Denied | undefined {
  const parts = place.split('/').filter((part) => part !== '');
  let at = '/';
  for (const [i, part] of parts.entries()) {
    if (!may(at, X_OK)) return describe(at, 'search');
    at = path.join(at, part);
    const stats = fs.lstatSync(at, { throwIfNoEntry: false });
    if (stats?.isSymbolicLink() && linksLeft > 0) {
      const target = path.resolve(path.dirname(at), fs.readlinkSync(at), ...parts.slice(i + 1));
      return findDenied(target, linksLeft - 1);
    }
  }
  if (!may(at, R_OK)) return describe(at, 'read');
  return fs.statSync(at).isDirectory() && !may(at, X_OK) ? describe(at, 'search') : undefined;
}

function may(place: string, right: number): boolean {
  try {
    fs.accessSync(place, right);
    return true;
  } catch (error) {
    return codeOf(error) !== 'EACCES';
  }
}

function describe(place: string, right: Denied['right']): Denied | undefined {
  const stats = fs.statSync(place, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  const { uid, mode } = stats;
  const isOwn = uid === process.geteuid?.();
  return { path: escapeControls(place), isDirectory: stats.isDirectory(), right, uid, mode: mode & 0o7777, isOwn };
}
