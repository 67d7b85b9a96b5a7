import fs, { constants } from 'node:fs';
import { descriptorPath } from './open-flags';

/**
 * Keeps a folder open, so that what is below it is reached through the folder that was looked at, not
 * through a link that someone put in its place meanwhile. `path` is valid until `close`.
 */
export function holdFolder(path: Buffer): { path: Buffer; close: () => void } {
  if (process.platform !== 'linux') return { path, close: () => {} };
  const fd = fs.openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { path: descriptorPath(fd), close: () => fs.closeSync(fd) };
}
