import fs from 'node:fs';
import { joinPath } from './byte-path';
import { holdDirectory } from './held-directory';
import { yieldToEventLoop } from './yield-to-event-loop';

/**
 * Removes a directory with all that is in it. What is below is reached through directories that are held open, so that
 * no link that someone puts in the place of one leads out. Does nothing where there is none.
 */
export async function removeTree(directory: Buffer): Promise<void> {
  const stats = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    fs.unlinkSync(directory);
    return;
  }
  const held = holdDirectory(directory);
  try {
    // A directory's mode may forbid what its owner is about to do.
    if ((stats.mode & 0o700) !== 0o700) fs.chmodSync(held.path, 0o700);
    for (const name of fs.readdirSync(held.path, { encoding: 'buffer' })) {
      await yieldToEventLoop();
      await removeTree(joinPath(held.path, name));
    }
  } finally {
    held.close();
  }
  fs.rmdirSync(directory);
}
