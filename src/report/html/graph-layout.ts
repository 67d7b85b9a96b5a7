import type { DiffGraph, GraphEntry, GraphTask } from '../../diff/graph';

type Presence = GraphTask['presence'];

interface Place {
  readonly y: number;
  readonly height: number;
}

export interface CallerPlace extends Place {
  readonly fd: number;
}

export interface EntryPlace extends Place {
  readonly entry: GraphEntry;
}

export interface TaskPlace extends Place {
  readonly task: GraphTask;
  readonly descriptors: readonly DescriptorPlace[];
}

export interface DescriptorPlace extends Place {
  readonly pid: number;
  readonly fd: number;
  readonly presence: Presence;
}

/** The rights under way, below the tasks. */
export interface RightsPlace extends Place {
  readonly queues: readonly QueuePlace[];
}

export interface QueuePlace extends Place {
  readonly socket: number;
  readonly presence: Presence;
}

/** A line from the middle of one place to that of another. */
export interface Edge {
  readonly from: number;
  readonly to: number;
  readonly presence: Presence;
}

export interface GraphLayout {
  readonly height: number;
  readonly callers: readonly CallerPlace[];
  readonly entries: readonly EntryPlace[];
  readonly tasks: readonly TaskPlace[];
  /** Absent where no right is under way. */
  readonly rights?: RightsPlace;
  /** Caller fds to entries. */
  readonly gifts: readonly Edge[];
  /** Entries to descriptors and rights. */
  readonly uses: readonly Edge[];
}

const ROW = 26;
const GAP = 14;
const TOP = 34;
const ENTRY = 50;
const CALLER = 30;

/** Places for a graph in three columns: descriptors by task, and the others as near to what they lead to as they fit. */
export function layOut({ tasks, entries }: DiffGraph): GraphLayout {
  const right = placeTasks(tasks, entries);
  const lowest = right.at(-1);
  const rights = placeRights(entries, lowest === undefined ? TOP : lowest.y + lowest.height + GAP);
  const spots = new Map([
    ...right.flatMap(({ descriptors }) => descriptors.map((one) => [nameOf(one), middle(one)] as const)),
    ...(rights?.queues ?? []).map((one) => [nameOfQueue(one), middle(one)] as const),
  ]);
  const targetsOf = ({ descriptors, queues }: GraphEntry) => [
    ...descriptors.map((one) => ({ at: spots.get(nameOf(one)) as number, presence: one.presence })),
    ...queues.map((one) => ({ at: spots.get(nameOfQueue(one)) as number, presence: one.presence })),
  ];
  const spotsOf = (entry: GraphEntry) => targetsOf(entry).map(({ at }) => at);

  const placed = stack(entries, () => ENTRY, spotsOf).map(({ item, ...place }) => ({ ...place, entry: item }));
  const taken = placed.filter(({ entry }) => entry.inherited !== undefined);
  const fdOf = ({ entry }: EntryPlace) => entry.inherited?.caller_fd as number;
  const fds = [...new Set(taken.map(fdOf))].sort((a, b) => a - b);
  const callers = stack(
    fds,
    () => CALLER,
    (fd) => taken.filter((place) => fdOf(place) === fd).map(middle),
  ).map(({ item, ...place }) => ({ ...place, fd: item }));

  const ends = [...right, ...(rights === undefined ? [] : [rights]), ...placed, ...callers].map(
    ({ y, height }) => y + height,
  );
  const callerAt = new Map(callers.map((place) => [place.fd, middle(place)]));
  return {
    height: Math.max(TOP, ...ends) + GAP,
    callers,
    entries: placed,
    tasks: right,
    ...(rights === undefined ? {} : { rights }),
    gifts: taken.map((place) => ({ from: callerAt.get(fdOf(place)) as number, to: middle(place), presence: 'after' })),
    uses: placed.flatMap((place) =>
      targetsOf(place.entry).map(({ at, presence }) => ({ from: middle(place), to: at, presence })),
    ),
  };
}

function placeRights(entries: readonly GraphEntry[], top: number): RightsPlace | undefined {
  const found = new Map<number, Presence>();
  for (const { socket, presence } of entries.flatMap(({ queues }) => queues)) {
    const known = found.get(socket);
    found.set(socket, known === undefined || known === presence ? presence : 'both');
  }
  if (found.size === 0) return undefined;
  const queues = [...found]
    .sort(([a], [b]) => a - b)
    .map(([socket, presence], i) => ({ socket, presence, y: top + (i + 1) * ROW, height: ROW }));
  return { queues, y: top, height: (queues.length + 1) * ROW };
}

function placeTasks(tasks: readonly GraphTask[], entries: readonly GraphEntry[]): TaskPlace[] {
  const found = new Map<number, Map<number, Presence>>();
  for (const { pid, fd, presence } of entries.flatMap(({ descriptors }) => descriptors)) {
    const ofTask = found.get(pid) ?? new Map<number, Presence>();
    found.set(pid, ofTask);
    const known = ofTask.get(fd);
    // One that went from one entry to another was there before and is there after.
    ofTask.set(fd, known === undefined || known === presence ? presence : 'both');
  }
  const rows = [...found.values()].reduce((sum, ofTask) => sum + ofTask.size, tasks.length);
  const linked = entries.filter(({ descriptors }) => descriptors.length > 0).length;
  // Where the entries take more room, descriptors are in the middle of it.
  const spare = linked * (ENTRY + GAP) - rows * ROW - tasks.length * GAP;
  let y = TOP + Math.max(0, Math.round(spare / 2));
  return tasks.map((task) => {
    const top = y;
    y += ROW;
    const ofTask = [...(found.get(task.pid) ?? [])].sort(([a], [b]) => a - b);
    const descriptors = ofTask.map(([fd, presence]) => {
      const place = { pid: task.pid, fd, presence, y, height: ROW };
      y += ROW;
      return place;
    });
    y += GAP;
    return { task, descriptors, y: top, height: y - GAP - top };
  });
}

/** Puts items below each other, in the order of what they lead to and near its middle; those that lead nowhere last. */
function stack<T>(items: readonly T[], heightOf: (item: T) => number, targetsOf: (item: T) => readonly number[]) {
  const wanted = items.map((item) => {
    const targets = targetsOf(item);
    return { item, at: targets.length === 0 ? undefined : targets.reduce((sum, y) => sum + y, 0) / targets.length };
  });
  wanted.sort((a, b) => (a.at ?? Number.MAX_SAFE_INTEGER) - (b.at ?? Number.MAX_SAFE_INTEGER));
  let free = TOP;
  let late = 0;
  const places = wanted.map(({ item, at }) => {
    const height = heightOf(item);
    const y = Math.round(at === undefined ? free : Math.max(free, at - height / 2));
    if (at !== undefined) late += y + height / 2 - at;
    free = y + height + GAP;
    return { item, y, height };
  });
  // Those that had to make room stand below their targets: all go up by what they are late on average.
  const linked = wanted.filter(({ at }) => at !== undefined).length;
  const up = Math.min((places[0]?.y ?? TOP) - TOP, linked === 0 ? 0 : Math.round(late / linked));
  return places.map((place) => ({ ...place, y: place.y - up }));
}

function middle({ y, height }: Place): number {
  return y + height / 2;
}

function nameOf({ pid, fd }: { readonly pid: number; readonly fd: number }): string {
  return `${pid}/${fd}`;
}

function nameOfQueue({ socket }: { readonly socket: number }): string {
  return `queue ${socket}`;
}
