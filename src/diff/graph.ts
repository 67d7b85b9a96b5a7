import { pushTo } from '../bytes/groups';
import type { Plan, PlanPlaceholder } from '../plan/plan';
import type { CheckpointContext, Holder } from './context';
import type { Change } from './difference';
import type { EntryIds, Meaning } from './meaning';

/** So many entries are in the graph; more are counted. */
const MAX_ENTRIES = 1000;
/** So many descriptors of one entry, and of all together. */
const MAX_REFERENCES = 500;
const MAX_DESCRIPTORS = 5000;
/** So many queues of one entry. */
const MAX_QUEUES = 24;

/** Which of the two checkpoints something is in. */
export type Presence = 'before' | 'after' | 'both';

/** What differs as a graph: caller fds, file entries, descriptors of tasks, SCM rights under way. Entries that do not differ are left out. */
export interface DiffGraph {
  /** Those that have one of the descriptors; ascending. */
  readonly tasks: readonly GraphTask[];
  /** Ascending by id; new ones last where ids are ignored. */
  readonly entries: readonly GraphEntry[];
  /** Entries that differ and are not here. */
  readonly moreEntries: number;
  /** What made the second checkpoint. */
  readonly plan?: Plan;
}

export interface GraphTask {
  readonly pid: number;
  /** With its name; after, where it is there. */
  readonly label: string;
  /** Before, where that was another name. */
  readonly was?: string;
  readonly presence: Presence;
}

export interface GraphEntry {
  /** Its file id: before, where it is there. */
  readonly id: number;
  /** After, where that is another one. */
  readonly idAfter?: number;
  /** `same`: what differs is which descriptors it has. */
  readonly change: Change | 'same';
  /** The key that names it, on the sides that have it. */
  readonly before?: string;
  readonly after?: string;
  /** CRIU's name of its type, on the sides that have it. */
  readonly typeBefore?: string;
  readonly typeAfter?: string;
  readonly descriptors: readonly GraphDescriptor[];
  /** Descriptors of it that are not here. */
  readonly moreDescriptors: number;
  /** Where it is under way as an SCM right. */
  readonly queues: readonly GraphQueue[];
  /** What the plan says of it, where it is to be inherited. */
  readonly inherited?: PlanPlaceholder;
}

/** The queue of a unix socket in which an entry is under way. */
export interface GraphQueue {
  /** File id of the socket: before, where it is there. */
  readonly socket: number;
  readonly presence: Presence;
}

/** A descriptor as one of this entry: one that refers to another entry now is in both, `before` here and `after` there. */
export interface GraphDescriptor extends Holder {
  readonly presence: Presence;
}

/** Draws what `meaning` has gathered, in its bounds. `plan`: the one that made the second checkpoint. */
export function buildGraph(
  meaning: Meaning,
  before: CheckpointContext,
  after: CheckpointContext,
  plan: Plan | undefined,
): DiffGraph {
  const placeholders = new Map((plan?.placeholders ?? []).map((placeholder) => [placeholder.file_id, placeholder]));
  const known = meaning.entriesToName().filter(({ ids }) => hasEntry(before, ids.before) || hasEntry(after, ids.after));
  let room = MAX_DESCRIPTORS;
  const entries = known.slice(0, MAX_ENTRIES).map(({ ids, differs }): GraphEntry => {
    const [isBefore, isAfter] = [hasEntry(before, ids.before), hasEntry(after, ids.after)];
    const { descriptors, more } = referencesOf(ids, before, after, Math.min(MAX_REFERENCES, room));
    room -= descriptors.length;
    const inherited = ids.after === undefined ? undefined : placeholders.get(ids.after);
    const [id, idAfter] = [ids.before ?? (ids.after as number), ids.after];
    return {
      id,
      ...(idAfter === undefined || idAfter === id ? {} : { idAfter }),
      change: !isBefore ? 'added' : !isAfter ? 'removed' : differs ? 'changed' : 'same',
      ...(isBefore
        ? { before: before.keyOf(ids.before as number), typeBefore: before.typeOf(ids.before as number) }
        : {}),
      ...(isAfter ? { after: after.keyOf(ids.after as number), typeAfter: after.typeOf(ids.after as number) } : {}),
      descriptors,
      moreDescriptors: more,
      queues: queuesWith(ids, meaning, before, after).slice(0, MAX_QUEUES),
      ...(inherited === undefined || !isAfter ? {} : { inherited }),
    };
  });
  return {
    tasks: tasksOf(entries, before, after),
    entries,
    moreEntries: meaning.moreFiles + known.length - entries.length,
    ...(plan === undefined ? {} : { plan }),
  };
}

function hasEntry(side: CheckpointContext, id: number | undefined): boolean {
  return id !== undefined && side.hasEntry(id);
}

/** The first descriptors of an entry on both sides, by task and number, and how many more there are. */
function referencesOf(ids: EntryIds, before: CheckpointContext, after: CheckpointContext, most: number) {
  const sides = [
    [ids.before === undefined ? undefined : before.referencesOf(ids.before), 'before'],
    [ids.after === undefined ? undefined : after.referencesOf(ids.after), 'after'],
  ] as const;
  const at = [0, 0];
  const descriptors: GraphDescriptor[] = [];
  let more = 0;
  for (;;) {
    let least: Holder | undefined;
    for (const [side, [pairs]] of sides.entries()) {
      const place = at[side] as number;
      if (pairs === undefined || place === pairs.length) continue;
      const [pid, fd] = [pairs.first(place), pairs.second(place)];
      if (least === undefined || pid < least.pid || (pid === least.pid && fd < least.fd)) least = { pid, fd };
    }
    if (least === undefined) return { descriptors, more };
    const { pid, fd } = least;
    const presences = sides.flatMap(([pairs, presence], side) => {
      const start = at[side] as number;
      let end = start;
      while (pairs !== undefined && end < pairs.length && pairs.first(end) === pid && pairs.second(end) === fd)
        end += 1;
      at[side] = end;
      return end > start ? presence : [];
    });
    const presence = presences.length === 2 ? 'both' : (presences[0] as Presence);
    if (descriptors.length < most) descriptors.push({ pid, fd, presence });
    else more += 1;
  }
}

/** The queues of both sides that have a right of an entry. */
function queuesWith(
  ids: EntryIds,
  meaning: Meaning,
  before: CheckpointContext,
  after: CheckpointContext,
): GraphQueue[] {
  const queues = new Map<number, GraphQueue>();
  for (const socket of ids.before === undefined ? [] : before.queuesWith(ids.before)) {
    queues.set(socket, { socket, presence: 'before' });
  }
  for (const id of ids.after === undefined ? [] : after.queuesWith(ids.after)) {
    const { before: old } = meaning.bothIds('after', id);
    const socket = old ?? id;
    queues.set(socket, { socket, presence: old !== undefined && queues.has(old) ? 'both' : 'after' });
  }
  return [...queues.values()].sort((a, b) => a.socket - b.socket);
}

function tasksOf(entries: readonly GraphEntry[], before: CheckpointContext, after: CheckpointContext): GraphTask[] {
  const seen = new Map<number, GraphDescriptor[]>();
  for (const { descriptors } of entries) for (const one of descriptors) pushTo(seen, one.pid, one);
  const [old, fresh] = [new Set(before.allPids()), new Set(after.allPids())];
  return [...seen.keys()]
    .sort((a, b) => a - b)
    .map((pid) => {
      const presence = !fresh.has(pid) ? 'before' : old.has(pid) ? 'both' : 'after';
      const label = (presence === 'before' ? before : after).task(pid);
      const was = before.task(pid);
      return { pid, label, ...(presence === 'both' && was !== label ? { was } : {}), presence };
    });
}
