import type { FileMark } from '../checkpoint/file-mark';
import { pushTo } from '../checkpoint/push-to';
import { Tally } from '../checkpoint/tally';
import { walk } from '../checkpoint/walk/walk';
import { GHOST_FILE_ENTRY_FIELDS } from '../schema/generated/images';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import type { Match, Remap } from './match';

/** An inotify or fanotify that watches a removed file. */
export interface GhostWatcher extends Pick<FileMark, 'what'> {
  /** File id. */
  readonly id: number;
}

/** A file as images name it where they have no id of it. Both sides write devices in one way, and CRIU compares them so. */
const fileName = (device: number, inode: bigint) => `${device}:${inode}`;

/**
 * Finds the watches of the ghosts that named entries have, by number of the ghost. CRIU finds a watched file that has
 * no name by the device and inode of a ghost, so such a ghost has a user that no file id tells (CRIU: fsnotify.c). A
 * pass of its own, and none where no spec names a removed file. Throws FdgraftError.
 */
export async function findGhostWatchers(
  source: Source,
  { matches, remaps }: { readonly matches: readonly Match[]; readonly remaps: readonly Remap[] },
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, readonly GhostWatcher[]>> {
  const named = new Set(matches.map(({ id }) => id));
  const wanted = new Set(remaps.flatMap(({ origId, ghostId }) => (named.has(origId) ? (ghostId ?? []) : [])));
  if (wanted.size === 0) return new Map();
  const ghosts = new Map<string, number>();
  const watchers = new Map<string, Map<number, GhostWatcher>>();
  const cursor = new FieldCursor();
  const tally = new Tally(source.label);
  await walk(
    source,
    [
      {
        skips: ({ kind, number }) => kind.name === 'GHOST_FILE' && !wanted.has(number),
        ghost: (bytes, start, end, { open }) => {
          const name = ghostName(cursor.over(bytes, start, end));
          if (name !== undefined) ghosts.set(name, open.number);
        },
        mark: ({ watcher, what, device, inode }) => {
          tally.count('watches');
          const name = fileName(device, inode);
          const known = watchers.get(name) ?? new Map<number, GhostWatcher>();
          watchers.set(name, known.set(watcher, { id: watcher, what }));
        },
      },
    ],
    signal,
  );
  const found = new Map<number, GhostWatcher[]>();
  for (const [name, ghost] of ghosts) {
    for (const watcher of watchers.get(name)?.values() ?? []) pushTo(found, ghost, watcher);
  }
  return found;
}

/** Undefined for a ghost of an older dump, which says neither: CRIU finds it for no watch. */
function ghostName(cursor: FieldCursor): string | undefined {
  let device = 0;
  let inode: bigint | undefined;
  while (cursor.next()) {
    if (cursor.number === GHOST_FILE_ENTRY_FIELDS.dev) device = cursor.uint32();
    else if (cursor.number === GHOST_FILE_ENTRY_FIELDS.ino) inode = cursor.uint64();
  }
  return inode === undefined ? undefined : fileName(device, inode);
}
