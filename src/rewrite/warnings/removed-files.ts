import { someOf } from '../../errors/some-of';
import type { Watcher } from '../find-watchers';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** CRIU makes link_remap.N beside the file at the dump, and removes it at the restore (files-reg.c). */
export function lostRemaps({ assignment, found }: Decided): Warning[] {
  const lost = new Set(assignment.lostRemaps);
  const keptGhosts = new Set(found.remaps.flatMap((remap) => (lost.has(remap) ? [] : (remap.ghostId ?? []))));
  const { watchedGhosts } = assignment;
  const gone = found.remaps.filter((remap) => lost.has(remap) || watchedGhosts.has(remap.ghostId ?? -1));
  const keys = new Map(found.matches.map(({ id, facts }) => [id, facts.key]));
  return gone.flatMap(({ origId, linkedId, ghostId }): Warning[] => {
    const about = `${keys.get(origId)} (file id ${origId}) had no name any more`;
    if (linkedId !== undefined) {
      const link = keys.get(origId)?.replace(/[^/]*$/, `link_remap.${linkedId}`);
      const message = `${about}: the link that the dump made to its file, ${link}, stays there, and you can remove it`;
      return [{ code: 'LINK_LEFT_BEHIND', message, fileId: origId }];
    }
    const watchers = watchedGhosts.get(ghostId ?? -1);
    // A ghost that another entry has too is restored for that one; a dead process's /proc has no content.
    if (ghostId === undefined || (keptGhosts.has(ghostId) && watchers === undefined)) return [];
    const message = `${about}: its content, which the images alone hold, is not restored${watchersOf(watchers)}`;
    return [{ code: 'REMOVED_FILE_DROPPED', message, fileId: origId }];
  });
}

/** CRIU removes each ghost when all have it open, and the kernel then ends the watches of it: in any restore (tried). */
function watchersOf(watchers: readonly Watcher[] | undefined): string {
  if (watchers === undefined) return '';
  const all = someOf(watchers.map(({ what, id }) => `the ${what} with file id ${id}`));
  return `. CRIU makes the file for the watch of ${all}, and removes it at the end of the restore. The watch ends with that, as in every restore`;
}
