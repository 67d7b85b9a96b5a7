import fs from 'node:fs';
import { breathe } from './breath';
import { joinPath } from './byte-path';
import { holdFolder } from './held-folder';

/**
 * Removes a folder with all that is in it. What is below is reached through folders that are held open, so that no
 * link that someone puts in the place of one leads out. Does nothing where there is none.
 */
export async function removeTree(folder: Buffer): Promise<void> {
  const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    fs.unlinkSync(folder);
    return;
  }
  const held = holdFolder(folder);
  try {
    // A folder's mode may forbid what its owner is about to do.
    if ((stats.mode & 0o700) !== 0o700) fs.chmodSync(held.path, 0o700);
    for (const name of fs.readdirSync(held.path, { encoding: 'buffer' })) {
      await breathe();
      await removeTree(joinPath(held.path, name));
    }
  } finally {
    held.close();
  }
  fs.rmdirSync(folder);
}
