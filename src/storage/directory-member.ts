import fs, { type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { cannotLook, DirectoryFile, type DirectoryOfFile, placeIn, secondsOf } from './directory-file';
import { linkIn } from './directory-link';
import { modeAndOwner } from './mode-and-owner';
import type { PassLimits } from './pass-limits';
import { isSteady, type SeenFiles } from './seen-files';
import type { SourceMember } from './source';

/** The directory of a source, and what is known of it. */
export interface DirectoryTop {
  /** The name of the source in messages. */
  readonly label: string;
  readonly path: Buffer;
  readonly stats: Stats;
  readonly seen: SeenFiles;
  readonly limits: PassLimits;
}

/** The member of this name in a directory of the source. `found`: a look that was just taken. Throws FdgraftError. */
export async function memberIn(
  { label, seen, limits }: DirectoryTop,
  directory: DirectoryOfFile,
  base: Buffer,
  found?: Stats,
): Promise<SourceMember> {
  const [path, lasting] = [joinPath(directory.path, base), joinPath(directory.lasting, base)];
  const place = placeIn(directory, base, label);
  // A file that may change is looked at and not remembered.
  const steady = isSteady(base) ? seen : undefined;
  const look = () => {
    try {
      return fs.lstatSync(path);
    } catch (error) {
      throw cannotLook(steady, place, lasting, error);
    }
  };
  const stats = found ?? look();
  if (stats.isFile()) {
    const settled = (await steady?.see(place, stats, look)) ?? stats;
    return new DirectoryFile(directory, base, place, seen, limits, settled);
  }
  const { name } = place;
  const file = { path, lasting, check: (found: Stats | undefined) => steady?.check(place, found) };
  if (stats.isSymbolicLink()) return linkIn(file, place, stats, steady, limits);
  steady?.seeOther(place);
  return {
    name,
    kind: stats.isDirectory() ? 'directory' : 'special',
    ...modeAndOwner(stats),
    size: stats.size,
    mtime: secondsOf(stats),
    file,
    open: async () => {
      throw messages.notARegularFile(escapeBytes(name));
    },
  };
}
