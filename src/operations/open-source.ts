import fs from 'node:fs/promises';
import { messages } from '../errors/messages';
import { PLAN_IMAGE } from '../frames/image-kinds';
import { openFolder } from '../storage/folder-source';
import type { Source } from '../storage/source';

/**
 * What a pass wants to see first where the source can choose: with it, memory grows with the matches alone, and a
 * folder that was rewritten before is told before its placeholders are met.
 */
export const FIRST_MEMBERS = [PLAN_IMAGE, 'inventory.img', 'pstree.img', 'files.img'];

/** Opens an image folder of CRIU. Throws FdgraftError (SOURCE_UNUSABLE). */
export async function openSource(folder: string): Promise<Source> {
  const source = await openFolder(folder, FIRST_MEMBERS);
  // Asked before anything is read: the folder may be any, with whole trees below it.
  await fs.lstat(`${folder}/inventory.img`).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? messages.noInventory(folder) : messages.cannotReadSource(folder, error);
  });
  return source;
}
