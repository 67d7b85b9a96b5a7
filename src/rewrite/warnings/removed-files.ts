import { someOf } from '../../errors/some-of';
import type { Watcher } from '../find-watchers';
import type { Remap } from '../match';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** CRIU makes link_remap.N beside the file at the dump, and removes it at the restore (files-reg.c). */
export function lostRemaps({ assignment, found }: Decided): Warning[] {
  const lost = new Set(assignment.lostRemaps);
  const keptGhosts = new Set(found.remaps.filter((remap) => !lost.has(remap)).map(({ ghostId }) => ghostId));
  const watchersOf = ({ ghostId }: Remap) =>
    ghostId === undefined ? undefined : assignment.watchedGhosts.get(ghostId);
  const keys = new Map(found.matches.map(({ id, facts }) => [id, facts.key]));
  return found.remaps.flatMap((remap): Warning[] => {
    const watchers = watchersOf(remap);
    if (!lost.has(remap) && watchers === undefined) return [];
    const { origId, linkedId, ghostId } = remap;
    const key = keys.get(origId) as string;
    const about = `${key} (file id ${origId}) had no name any more`;
    if (linkedId !== undefined) {
      const link = key.replace(/[^/]*$/, `link_remap.${linkedId}`);
      const message = `${about}: the link that the dump made to its file, ${link}, stays there, and you can remove it`;
      return [{ code: 'LINK_LEFT_BEHIND', message, fileId: origId }];
    }
    // A ghost that another entry has too is restored for that one; a dead process's /proc has no content.
    if (ghostId === undefined || (keptGhosts.has(ghostId) && watchers === undefined)) return [];
    const message = `${about}: its content, which the images alone hold, is not restored${endOfWatch(watchers)}`;
    return [{ code: 'REMOVED_FILE_DROPPED', message, fileId: origId }];
  });
}

/** CRIU removes each ghost when all have it open, and the kernel then ends the watches of it: in any restore (tried). */
function endOfWatch(watchers: readonly Watcher[] | undefined): string {
  if (watchers === undefined) return '';
  const all = someOf(watchers.map(({ what, id }) => `the ${what} with file id ${id}`));
  return `. CRIU makes the file for the watch of ${all}, and removes it at the end of the restore. The watch ends with that, as in every restore`;
}
