import fs from 'node:fs';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';

/** What file systems say that have no hard links. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/**
 * Gives a file another name, and with it takes the place of nothing that has appeared there: throws EEXIST then. Its old
 * name stays, but where there are no links: there it moves, and only what was there before is seen.
 */
export function linkOrRename(from: string | Buffer, to: string | Buffer): void {
  try {
    fs.linkSync(from, to);
    return;
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error))) throw error;
  }
  if (fs.lstatSync(to, { throwIfNoEntry: false }) !== undefined) {
    throw Object.assign(new Error('it exists already'), { code: 'EEXIST' });
  }
  fs.renameSync(from, to);
}

/** The same for what was built beside its place `out`. Throws FdgraftError where something is there by now. */
export function arriveAsNew(built: Buffer, place: Buffer, out: string): void {
  try {
    linkOrRename(built, place);
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? messages.outExists(out) : error;
  }
}
