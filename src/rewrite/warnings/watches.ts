import { someOf } from '../../errors/some-of';
import type { Watcher } from '../find-watchers';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** The images have the path of a watch, and CRIU watches what has that path. One warning a file and spec. */
export function watchesThatStay({ placeholders, assignment, found, specs }: Decided): Warning[] {
  if (found.watchers.ofFiles.size === 0) return [];
  const matched = new Set(found.matches.map(({ id }) => id));
  const told = new Set<string>();
  const leftOf = new Map<readonly Watcher[], readonly Watcher[]>();
  return placeholders.flatMap(({ match, fileId, spec }): Warning[] => {
    const all = found.watchers.ofFiles.get(match.id);
    const about = `${specs[spec]?.text} ${match.facts.key}`;
    if (all === undefined || told.has(about)) return [];
    // Entries of one path share the list: each has it to look through once.
    const left = leftOf.get(all) ?? all.filter(({ id }) => !matched.has(id) || assignment.staying.has(id));
    leftOf.set(all, left);
    if (left.length === 0) return [];
    told.add(about);
    const watchers = someOf(left.map(({ what, id }) => `the ${what} with file id ${id}`));
    const advice = left.some(({ what }) => what === 'inotify')
      ? '. Name an inotify by its key /proc/PID/fd/N, and give one that watches your file'
      : '';
    const message = `${match.facts.key} (file id ${fileId}): a watch of ${watchers} stays on the old file, and reports nothing of what happens to the caller's${advice}`;
    return [{ code: 'WATCH_STAYS', message, fileId }];
  });
}
