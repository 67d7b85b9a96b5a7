import { pushTo } from '../bytes/groups';
import type { FileMark } from '../checkpoint/file-mark';
import { directoryKey, pathKey } from '../checkpoint/key-text';
import { Tally } from '../checkpoint/tally';
import type { Subscriber } from '../checkpoint/walk/subscriber';
import { walk } from '../checkpoint/walk/walk';
import { FD_TYPES, GHOST_FILE_ENTRY_FIELDS } from '../schema/generated/images';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import type { Match, Remap } from './match';

/** An inotify or fanotify that watches a file. */
export interface Watcher extends Pick<FileMark, 'what'> {
  /** File id. */
  readonly id: number;
}

export interface Watchers {
  /** Those of removed files that specs name, by number of the ghost. */
  readonly ofGhosts: ReadonlyMap<number, readonly Watcher[]>;
  /** Those of other files that specs name, by file id of each of their entries. */
  readonly ofFiles: ReadonlyMap<number, readonly Watcher[]>;
}

export const NO_WATCHERS: Watchers = { ofGhosts: new Map(), ofFiles: new Map() };

type Found = { readonly matches: readonly Match[]; readonly remaps: readonly Remap[] };

/** Hears in the first pass whether the checkpoint has an inotify or fanotify at all. */
export class WatcherFinder {
  isFound = false;

  readonly events: Subscriber = {
    entryTypes: new Set([FD_TYPES.INOTIFY, FD_TYPES.FANOTIFY]),
    entry: () => {
      this.isFound = true;
    },
  };
}

/**
 * A file as images name it where they have no id of it. Both sides write devices in one way, and CRIU compares them so.
 */
const fileName = (device: number, inode: bigint) => `${device}:${inode}`;

/**
 * Finds the watches of the files that specs name. CRIU finds a watched file that has no name by the device and inode of
 * a ghost, so such a ghost has a user that no file id tells (CRIU: fsnotify.c). Of other files, the images have a path
 * in the watch and no inode in the entry. A pass of its own, and none where a spec names no file. Throws FdgraftError.
 */
export async function findWatchers(source: Source, found: Found, signal?: AbortSignal): Promise<Watchers> {
  const ghosts = new NamedGhosts(found);
  const files = new NamedPaths(found);
  if (ghosts.wanted.size === 0 && files.isEmpty) return NO_WATCHERS;
  const cursor = new FieldCursor();
  const tally = new Tally(source.label);
  await walk(
    source,
    [
      {
        skips: ({ kind, number }) => kind.name === 'GHOST_FILE' && !ghosts.wanted.has(number),
        ghost: (bytes, start, end, { open }) => ghosts.see(cursor.over(bytes, start, end), open.number),
        mark: (mark) => {
          const kept = [ghosts.mark(mark), files.mark(mark)];
          if (kept.includes(true)) tally.count('watches');
        },
      },
    ],
    signal,
  );
  return { ofGhosts: ghosts.conclude(), ofFiles: files.conclude(new Tally(source.label)) };
}

/** Watchers by what they watch, each once. */
class WatcherMap<Key> {
  private readonly byKey = new Map<Key, Map<number, Watcher>>();

  add(key: Key, { watcher, what }: FileMark): void {
    const known = this.byKey.get(key) ?? new Map<number, Watcher>();
    this.byKey.set(key, known.set(watcher, { id: watcher, what }));
  }

  of(key: Key): Watcher[] {
    return [...(this.byKey.get(key)?.values() ?? [])];
  }
}

class NamedGhosts {
  readonly wanted: ReadonlySet<number>;
  private readonly numbers = new Map<string, number>();
  private readonly watchers = new WatcherMap<string>();

  constructor({ matches, remaps }: Found) {
    const named = new Set(matches.map(({ id }) => id));
    this.wanted = new Set(remaps.flatMap(({ origId, ghostId }) => (named.has(origId) ? (ghostId ?? []) : [])));
  }

  see(record: FieldCursor, number: number): void {
    const name = ghostName(record);
    if (name !== undefined) this.numbers.set(name, number);
  }

  /** Ghosts can come after the watches, so all watches count. */
  mark(mark: FileMark): boolean {
    if (this.wanted.size === 0) return false;
    this.watchers.add(fileName(mark.device, mark.inode), mark);
    return true;
  }

  conclude(): Map<number, readonly Watcher[]> {
    const found = new Map<number, Watcher[]>();
    for (const [name, ghost] of this.numbers)
      for (const watcher of this.watchers.of(name)) pushTo(found, ghost, watcher);
    return found;
  }
}

/** Matches of one path on one mount, where the image says which: they have the same watches. */
interface NamedPath {
  readonly key: string;
  readonly mountId: number | undefined;
  readonly ids: number[];
}

const placeOf = (key: string, mountId: number | undefined) => `${mountId ?? ''} ${key}`;

/** A path can have as many entries as watches: a watch is kept once, and no entry has a list of its own. */
class NamedPaths {
  private readonly byPlace = new Map<string, NamedPath>();
  private readonly keys = new Set<string>();
  private readonly ofKey = new WatcherMap<string>();
  private readonly ofPlace = new WatcherMap<string>();

  constructor({ matches, remaps }: Found) {
    const removed = new Set(remaps.map(({ origId }) => origId));
    for (const { id, type, facts } of matches) {
      if (!type.isPath || removed.has(id)) continue;
      const { key, mountId } = facts;
      const known = this.byPlace.get(placeOf(key, mountId));
      if (known === undefined) this.byPlace.set(placeOf(key, mountId), { key, mountId, ids: [id] });
      else known.ids.push(id);
      this.keys.add(key);
    }
  }

  get isEmpty(): boolean {
    return this.keys.size === 0;
  }

  mark(mark: FileMark): boolean {
    const keys = mark.path === undefined ? [] : [pathKey(mark.path), directoryKey(mark.path)];
    const named = [...new Set(keys)].filter((key) => this.keys.has(key));
    for (const key of named) {
      this.ofKey.add(key, mark);
      this.ofPlace.add(placeOf(key, mark.mountId), mark);
    }
    return named.length > 0;
  }

  conclude(tally: Tally): Map<number, readonly Watcher[]> {
    const found = new Map<number, readonly Watcher[]>();
    for (const path of this.byPlace.values()) {
      const watchers = this.watchersOf(path);
      tally.count('watches', watchers.length);
      if (watchers.length > 0) for (const id of path.ids) found.set(id, watchers);
    }
    return found;
  }

  /** The path alone decides if either side lacks the mount. */
  private watchersOf({ key, mountId }: NamedPath): Watcher[] {
    if (mountId === undefined) return this.ofKey.of(key);
    const all = [...this.ofPlace.of(placeOf(key, mountId)), ...this.ofPlace.of(placeOf(key, undefined))];
    return [...new Map(all.map((watcher) => [watcher.id, watcher])).values()];
  }
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
