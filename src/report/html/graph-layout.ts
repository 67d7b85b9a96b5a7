import { pushTo } from '../../bytes/groups';
import type { Presence } from '../../diff/graph';
import type { CallerNode, CollapsedGraph, EntryGroup, QueueGroup, RowGroup, TaskGroup } from './collapse';

interface Place {
  /** Names it in the page. */
  readonly name: string;
  readonly y: number;
  readonly height: number;
}

export interface CallerPlace extends Place {
  readonly caller: CallerNode;
}

export interface EntryPlace extends Place {
  readonly group: EntryGroup;
}

export interface TaskPlace extends Place {
  readonly group: TaskGroup;
  readonly rows: readonly RowPlace[];
}

export interface RowPlace extends Place {
  readonly row: RowGroup;
}

/** The rights under way, below the tasks. */
export interface RightsPlace extends Place {
  readonly queues: readonly QueuePlace[];
}

export interface QueuePlace extends Place {
  readonly queue: QueueGroup;
}

/** A line from the middle of one place to that of another. */
export interface Edge {
  readonly from: Place;
  readonly to: Place;
  readonly presence: Presence;
  /** Its descriptors get a caller fd. */
  readonly isGiven: boolean;
}

export interface GraphLayout {
  readonly height: number;
  readonly callers: readonly CallerPlace[];
  /** In the order of `entries` of the graph. */
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
/** A line that says how many more there are. */
const MORE = 20;
const CALLER = 30;

/**
 * Places for a graph in three columns: descriptors by task, and the others as near to what they lead to as they fit.
 * Entries of one caller fd lie together.
 */
export function layOut(graph: CollapsedGraph): GraphLayout {
  const { tasks, entries, queues, callers } = graph;
  const heights = entries.map(heightOfEntry);
  // Tasks give the entries their order; then tasks go to their entries, and the entries into their places.
  const first = placeEntries(graph, heights, meansOf(graph, placeTasks(tasks, [])));
  const right = placeTasks(tasks, meansOfTasks(graph, heights, first));
  const lowest = right.at(-1);
  const rights = placeRights(queues, lowest === undefined ? TOP : lowest.y + lowest.height + GAP);
  const yOf = placeEntries(graph, heights, meansOf(graph, right, rights));
  const placed = entries.map(
    (group, i): EntryPlace => ({
      name: `e${i}`,
      y: yOf[i] as number,
      height: heights[i] as number,
      group,
    }),
  );

  const wanted = callers
    .map((caller) => ({
      caller,
      height: CALLER,
      at: meanOf(caller.entries.map((entry) => middle(placed[entry] as EntryPlace))) as number,
    }))
    .sort((a, b) => a.at - b.at || a.caller.fd - b.caller.fd);
  const callerYs = stack(wanted);
  const given = wanted.map(
    ({ caller }, i): CallerPlace => ({
      name: `c${caller.fd}`,
      y: callerYs[i] as number,
      height: CALLER,
      caller,
    }),
  );
  const all = [...right, ...(rights === undefined ? [] : [rights]), ...placed, ...given];
  return {
    height: Math.max(TOP, ...all.map(({ y, height }) => y + height)) + GAP,
    callers: given,
    entries: placed,
    tasks: right,
    ...(rights === undefined ? {} : { rights }),
    gifts: given.flatMap((place) =>
      place.caller.entries.map((entry) => ({
        from: place,
        to: placed[entry] as EntryPlace,
        presence: 'after' as const,
        isGiven: true,
      })),
    ),
    uses: endsOf(right, rights).flatMap(({ place, uses }) =>
      uses.map(({ entry, presence }) => ({
        from: placed[entry] as EntryPlace,
        to: place,
        presence,
        isGiven: presence !== 'before' && entries[entry]?.callerFd !== undefined,
      })),
    ),
  };
}

function heightOfEntry({ entries }: EntryGroup): number {
  return ENTRY + (entries.length > 1 ? MORE : 0);
}

/** Rows and queues, with the entries that they lead to. */
function endsOf(tasks: readonly TaskPlace[], rights: RightsPlace | undefined) {
  return [
    ...tasks.flatMap(({ rows }) => rows.map((place) => ({ place, uses: place.row.uses }))),
    ...(rights?.queues ?? []).map((place) => ({ place, uses: place.queue.uses })),
  ];
}

/** The middle of what each entry leads to. */
function meansOf({ entries }: CollapsedGraph, tasks: readonly TaskPlace[], rights?: RightsPlace) {
  const targets = entries.map((): number[] => []);
  for (const { place, uses } of endsOf(tasks, rights)) {
    for (const { entry } of uses) targets[entry]?.push(middle(place));
  }
  return targets.map(meanOf);
}

/** The middle of the entries of each task: of those that no other has, where there are any. */
function meansOfTasks({ tasks, entries }: CollapsedGraph, heights: readonly number[], ys: readonly number[]) {
  const users = entries.map(() => 0);
  const used = tasks.map(({ rows }) => [...new Set(rows.flatMap(({ uses }) => uses.map(({ entry }) => entry)))]);
  for (const entry of used.flat()) users[entry] = (users[entry] as number) + 1;
  return used.map((all) => {
    const own = all.filter((entry) => users[entry] === 1);
    return meanOf((own.length > 0 ? own : all).map((entry) => (ys[entry] as number) + (heights[entry] as number) / 2));
  });
}

/** Below each other, each near its place in `means`. */
function placeTasks(tasks: readonly TaskGroup[], means: readonly (number | undefined)[]): TaskPlace[] {
  const heights = tasks.map((group) => (1 + group.rows.length) * ROW + (group.tasks.length > 1 ? MORE : 0));
  const tops = stack(heights.map((height, i) => ({ height, at: means[i] })));
  let count = 0;
  return tasks.map((group, i) => {
    const [top, height] = [tops[i] as number, heights[i] as number];
    const first = top + height - group.rows.length * ROW;
    const rows = group.rows.map((row, place) => {
      count += 1;
      return { name: `d${count - 1}`, y: first + place * ROW, height: ROW, row };
    });
    return { name: `t${i}`, y: top, height, group, rows };
  });
}

function placeRights(queues: readonly QueueGroup[], top: number): RightsPlace | undefined {
  if (queues.length === 0) return undefined;
  const places = queues.map((queue, i) => ({ name: `q${i}`, y: top + (i + 1) * ROW, height: ROW, queue }));
  return { name: 'rights', queues: places, y: top, height: (queues.length + 1) * ROW };
}

/** The entries of one caller fd in one block, all others by themselves; each block near the middle of its targets. */
function placeEntries(
  { entries }: CollapsedGraph,
  heights: readonly number[],
  means: readonly (number | undefined)[],
): number[] {
  const blocks = new Map<string, number[]>();
  entries.forEach(({ callerFd }, i) => {
    pushTo(blocks, callerFd === undefined ? `entry ${i}` : `caller ${callerFd}`, i);
  });
  const last = Number.MAX_SAFE_INTEGER;
  const wanted = [...blocks.values()]
    .map((members) => ({
      members: members.sort((a, b) => (means[a] ?? last) - (means[b] ?? last) || a - b),
      height: members.reduce((sum, member) => sum + (heights[member] as number) + GAP, -GAP),
      at: meanOf(members.flatMap((member) => means[member] ?? [])),
    }))
    .sort((a, b) => (a.at ?? last) - (b.at ?? last) || (a.members[0] as number) - (b.members[0] as number));
  const tops = stack(wanted);
  const ys: number[] = [];
  wanted.forEach(({ members }, i) => {
    let y = tops[i] as number;
    for (const member of members) {
      ys[member] = y;
      y += (heights[member] as number) + GAP;
    }
  });
  return ys;
}

/** Puts boxes below each other in this order, each near its place `at`; those that have none follow the one before. */
function stack(boxes: readonly { readonly height: number; readonly at: number | undefined }[]): number[] {
  let free = TOP;
  let late = 0;
  const ys = boxes.map(({ height, at }) => {
    const y = Math.round(at === undefined ? free : Math.max(free, at - height / 2));
    if (at !== undefined) late += y + height / 2 - at;
    free = y + height + GAP;
    return y;
  });
  // Those that had to make room stand below their targets: all go up by what they are late on average.
  const linked = boxes.filter(({ at }) => at !== undefined).length;
  const up = Math.min((ys[0] ?? TOP) - TOP, linked === 0 ? 0 : Math.max(0, Math.round(late / linked)));
  return ys.map((y) => y - up);
}

function meanOf(numbers: readonly number[]): number | undefined {
  return numbers.length === 0 ? undefined : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

export function middle({ y, height }: Place): number {
  return y + height / 2;
}
