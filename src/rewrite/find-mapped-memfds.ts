import { pushTo } from '../bytes/groups';
import { describeEntry } from '../checkpoint/describe-entry';
import { type InheritableType, inheritableType } from '../checkpoint/entry-types';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { mappingsOf } from '../checkpoint/explore/memory-map';
import { IdSet } from '../checkpoint/id-set';
import type { Memfds } from '../checkpoint/memfds';
import { accessOf } from '../checkpoint/open-flags';
import { VMA_AREA_MEMFD, VMA_FILE_SHARED } from '../checkpoint/vma-status';
import { walk } from '../checkpoint/walk/walk';
import { messages } from '../errors/messages';
import { FD_TYPES, type VmaEntry } from '../schema/generated/images';
import { OFFSET_MAX } from '../schema/plan-limits';
import type { Source } from '../storage/source';
import type { MappedMemory, Match } from './match';
import { memfdNamer } from './name-memfd';

/** A memfd that a spec names and a task has mapped. Its entries in files.img have one inode in memfd.img. */
export interface MappedMemfd {
  /** The entries that have the mappings, each with these. */
  readonly mapped: readonly (Pick<Match, 'id' | 'entry' | 'type' | 'facts'> & { readonly memory: MappedMemory })[];
  /** Those of all its entries that descriptors or SCM rights refer to, by file id. */
  readonly held: ReadonlySet<number>;
  /** It lies in huge pages. */
  readonly isHuge: boolean;
}

/** An entry of a memfd. */
type MemfdEntry = Omit<MappedMemfd['mapped'][number], 'memory'>;

/** The mappings of one entry. */
interface Extent {
  readonly pids: Set<number>;
  bytes: bigint;
  writes: boolean;
}

const MEMFDS: ReadonlySet<number> = new Set([FD_TYPES.MEMFD]);

/**
 * Finds the memfds with mappings among those that specs name, by the file id of each of their entries. A pass of its
 * own, and none where no spec names a memfd. Throws FdgraftError.
 */
export async function findMappedMemfds(
  source: Source,
  named: readonly Match[],
  memfds: Memfds,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, MappedMemfd>> {
  const wanted = new Set(named.flatMap(({ facts: { memfdInode } }) => memfdInode ?? []));
  if (wanted.size === 0) return new Map();
  const { entries, held, mapped, tasks } = await seeMemfds(source, wanted, memfds, signal);
  const ids = new Set([...entries.values()].flatMap((list) => list.flatMap(({ id }) => (mapped.has(id) ? [id] : []))));
  if (ids.size === 0) return new Map();
  const images = new ImagesByName(source, signal);
  try {
    const extents = await measure(images, tasks, ids);
    const nameOf = memfdNamer(memfds);
    const found = new Map<number, MappedMemfd>();
    for (const [inode, list] of entries) {
      if (!list.some(({ id }) => extents.has(id))) continue;
      const state = memfds.of(inode);
      if (state === undefined) throw messages.memfdMissing(inode);
      const { record, isHuge, size } = state;
      const name = nameOf(inode);
      const memfd: MappedMemfd = {
        mapped: list.flatMap((entry) => {
          const extent = extents.get(entry.id);
          if (extent === undefined) return [];
          const pids = [...extent.pids].sort((a, b) => a - b);
          // The last page of a mapping may have a part behind the end, and so may whole pages.
          const bytes = extent.bytes < size ? extent.bytes : size;
          return [{ ...entry, memory: { record, name, pids, bytes, writes: extent.writes } }];
        }),
        held: new Set(list.flatMap(({ id }) => (held.has(id) ? [id] : []))),
        isHuge,
      };
      for (const { id } of list) found.set(id, memfd);
    }
    return found;
  } finally {
    await images.close();
  }
}

/**
 * The entries of some memfds by inode, the ids of those that are held and of those that are mapped, and the tasks that
 * have mapped any: which are wanted may be known at the end alone, and a checkpoint may have a million mappings.
 */
async function seeMemfds(source: Source, wanted: ReadonlySet<number>, memfds: Memfds, signal: AbortSignal | undefined) {
  const entries = new Map<number, MemfdEntry[]>();
  const held = new IdSet();
  const mapped = new IdSet();
  const tasks = new Set<number>();
  await walk(
    source,
    [
      {
        entryTypes: MEMFDS,
        entry: (view, { entry }) => {
          const facts = describeEntry(view);
          if (facts?.memfdInode === undefined || !wanted.has(facts.memfdInode)) return;
          const type = inheritableType(view) as InheritableType;
          pushTo(entries, facts.memfdInode, { id: view.id, entry, type, facts: memfds.withState(facts) });
        },
      },
      {
        descriptor: ({ id, type }) => {
          if (type === FD_TYPES.MEMFD && id !== -1) held.add(id);
        },
        packet: (rights) => {
          for (const id of rights) held.add(id);
        },
        reference: (id, kind, { open }) => {
          if (kind !== 'memfd mapping') return;
          mapped.add(id);
          tasks.add(open.number);
        },
      },
    ],
    signal,
  );
  return { entries, held, mapped, tasks };
}

/** The mappings of some entries, by their ids. */
async function measure(
  images: ImagesByName,
  tasks: ReadonlySet<number>,
  wanted: ReadonlySet<number>,
): Promise<Map<number, Extent>> {
  const extents = new Map<number, Extent>();
  for (const pid of tasks) {
    for await (const vma of mappingsOf(images, pid)) {
      const id = Number(vma.shmid);
      if ((vma.status & VMA_AREA_MEMFD) === 0 || !wanted.has(id)) continue;
      const extent = extents.get(id) ?? { pids: new Set<number>(), bytes: 0n, writes: false };
      extents.set(id, extent);
      extent.pids.add(pid);
      const end = vma.pgoff + (vma.end - vma.start);
      if (end > OFFSET_MAX || vma.end <= vma.start) throw messages.mappingPastLimit(pid, id, vma);
      if (end > extent.bytes) extent.bytes = end;
      extent.writes ||= writesToFile(vma);
    }
  }
  return extents;
}

const PROT_WRITE = 2;

/** A shared mapping that may be written to now; CRIU opens the file for writing then (criu/mem.c). */
function writesToFile({ status, prot, fdflags }: VmaEntry): boolean {
  if ((status & VMA_FILE_SHARED) === 0) return false;
  return (prot & PROT_WRITE) !== 0 || (fdflags !== undefined && accessOf(fdflags).write);
}
