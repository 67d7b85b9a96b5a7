import fs from 'node:fs';
import { isImageName } from '../frames/image-kinds';
import { openDirectory } from '../storage/directory-source';
import type { FileAccess } from '../storage/file-mode';
import { isFileOrLeadsToOne } from '../storage/source';
import { imageDirectoryIn } from './open-source';

/**
 * Modes and groups of the files whose content is shown when a checkpoint or an image is read: of a directory its
 * images, else the file. Files that are missing or out of reach do not count. Throws FdgraftError if the directory
 * cannot be read.
 */
export async function whoMayRead(place: string): Promise<FileAccess[]> {
  const stats = statOf(place);
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return stats.isFile() ? [stats] : [];
  const source = await openDirectory(imageDirectoryIn(place) ?? place);
  const found: FileAccess[] = [];
  for await (const member of source.members()) {
    if (isFileOrLeadsToOne(member) && isImageName(member.name.toString('latin1'))) {
      found.push({ mode: member.mode, gid: member.gid });
    }
  }
  return found;
}

/** Who reads it says what is wrong. */
function statOf(place: string): fs.Stats | undefined {
  try {
    return fs.statSync(place);
  } catch {
    return undefined;
  }
}
