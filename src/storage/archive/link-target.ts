import path from 'node:path';

/** The link to the previous dump of an incremental one, which CRIU reads pages through. */
export const PARENT = 'parent';

/**
 * True where a symbolic link leads out of the archive that it lies in, or may do so. `parent` is let be: a previous
 * dump lies elsewhere, and only CRIU goes there. `place`: the link's path in the archive.
 */
export function leadsOut(place: string, target: string): boolean {
  if (path.posix.basename(place) === PARENT) return false;
  if (target.startsWith('/')) return true;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const dots = parts.lastIndexOf('..') + 1;
  // Behind a name, dots lead out of what that name leads to, which may be elsewhere.
  if (parts.slice(0, dots).some((part) => part !== '..')) return true;
  return dots > place.split('/').length - 1;
}
