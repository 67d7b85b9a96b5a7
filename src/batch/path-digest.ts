import { builtins } from '../bytes/builtins';

/** What a path, relative to the base or to ROOT, is known by: the same everywhere. */
export function pathDigest(path: string): Buffer {
  return builtins.crypto.createHash('sha256').update(path).digest();
}
