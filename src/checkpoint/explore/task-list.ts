import { messages } from '../../errors/messages';
import { PSTREE_ENTRY, type PstreeEntry } from '../../schema/generated/images';
import type { ImagesByName } from './images-by-name';

/** The tasks in the order of pstree.img, each once: of several with one pid the last counts. Throws FdgraftError. */
export async function listTasks(images: ImagesByName): Promise<PstreeEntry[]> {
  const entries = await images.all('pstree.img', PSTREE_ENTRY);
  if (entries === undefined) {
    const hint = 'the folder is not complete, or one of criu pre-dump, which has none: give that of the last dump';
    throw messages.missingImage('pstree.img', 'it says which tasks there are', hint);
  }
  return [...new Map(entries.map((entry) => [entry.pid, entry])).values()];
}
