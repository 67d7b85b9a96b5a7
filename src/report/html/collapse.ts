import { pushTo } from '../../bytes/groups';
import type { DiffGraph, GraphEntry, GraphTask, Presence } from '../../diff/graph';
import { classesOf } from './classes';
import { shapeOf } from './shape';

/** The graph with one node for all that is alike. Each of its nodes is in one group, each of its edges in one count. */
export interface CollapsedGraph {
  readonly tasks: readonly TaskGroup[];
  readonly entries: readonly EntryGroup[];
  /** Queues with SCM rights under way. */
  readonly queues: readonly QueueGroup[];
  /** Ascending. */
  readonly callers: readonly CallerNode[];
}

export interface TaskGroup {
  /** The first one stands for all. */
  readonly tasks: readonly GraphTask[];
  readonly rows: readonly RowGroup[];
}

/** Descriptors of a task that have the same entries, or entries that are alike. */
export interface RowGroup {
  /** Ascending; each task of the group has them. */
  readonly fds: readonly number[];
  readonly presence: Presence;
  readonly uses: readonly Use[];
}

export interface QueueGroup {
  /** File ids of the sockets. */
  readonly sockets: readonly number[];
  readonly presence: Presence;
  readonly uses: readonly Use[];
}

/** Edges of the graph between two groups. */
export interface Use {
  /** Place in `entries`. */
  readonly entry: number;
  readonly presence: Presence;
  readonly count: number;
}

export interface EntryGroup {
  /** The first one stands for all, and is one of the first task of its group if it can be. */
  readonly entries: readonly GraphEntry[];
  readonly callerFd?: number;
}

export interface CallerNode {
  readonly fd: number;
  readonly entries: readonly number[];
}

export function collapse(graph: DiffGraph): CollapsedGraph {
  const { tasks, entries } = graph;
  const sockets = [...new Set(entries.flatMap(({ queues }) => queues.map(({ socket }) => socket)))].sort(
    (a, b) => a - b,
  );
  const [taskAt, socketAt] = [placesOf(tasks.map(({ pid }) => pid)), placesOf(sockets)];
  const [firstEntry, firstQueue] = [tasks.length, tasks.length + entries.length];

  const nodes = [...tasks.map(kindOfTask), ...entries.map(kindOfEntry), ...sockets.map(() => 'queue')];
  const edges = nodes.map((): Edge[] => []);
  entries.forEach(({ descriptors, queues }, i) => {
    const entry = firstEntry + i;
    for (const { pid, fd, presence } of descriptors) {
      const task = taskAt.get(pid) as number;
      edges[task]?.push({ to: entry, label: `${fd} ${presence}`, fd, presence });
      // Seen from entries, numbers do not count: files of a kind at many numbers of one task are alike.
      edges[entry]?.push({ to: task, label: presence, fd, presence });
    }
    for (const { socket, presence } of queues) {
      const queue = firstQueue + (socketAt.get(socket) as number);
      edges[queue]?.push({ to: entry, label: presence, presence });
      edges[entry]?.push({ to: queue, label: presence, presence });
    }
  });
  const groups = membersOf(classesOf({ nodes, edges }));
  const ofTasks = groups.filter(([first]) => first < firstEntry);
  const ofQueues = groups.filter(([first]) => first >= firstQueue);
  const shown = new Set(ofTasks.map(([first]) => first));
  const ofEntries = groups
    .filter(([first]) => first >= firstEntry && first < firstQueue)
    .map((members) => withFirst(members, (member) => edges[member]?.some(({ to }) => shown.has(to)) === true));

  const entryGroupOf = new Map(ofEntries.flatMap((members, i) => members.map((member) => [member, i] as const)));
  const groupOf = (node: number) => entryGroupOf.get(node) as number;
  const entryGroups = ofEntries.map((members): EntryGroup => {
    const all = members.map((member) => entries[member - firstEntry] as GraphEntry);
    const fd = all[0]?.inherited?.caller_fd;
    return { entries: all, ...(fd === undefined ? {} : { callerFd: fd }) };
  });
  return {
    tasks: ofTasks.map((members) => ({
      tasks: members.map((member) => tasks[member] as GraphTask),
      rows: rowsOf(edges[members[0]] ?? [], members.length, groupOf),
    })),
    entries: entryGroups,
    queues: ofQueues.map((members) => {
      const uses = usesOf(edges[members[0]] ?? [], members.length, groupOf);
      return {
        sockets: members.map((member) => sockets[member - firstQueue] as number),
        presence: together(uses),
        uses,
      };
    }),
    callers: callersOf(entryGroups),
  };
}

interface Edge {
  readonly to: number;
  readonly label: string;
  readonly fd?: number;
  readonly presence: Presence;
}

function placesOf(numbers: readonly number[]): Map<number, number> {
  return new Map(numbers.map((number, i) => [number, i]));
}

function kindOfTask({ label, was, presence }: GraphTask): string {
  return JSON.stringify(['task', shapeOf(label), was === undefined ? null : shapeOf(was), presence]);
}

/** All that the page says of an entry, but for its numbers. */
function kindOfEntry(entry: GraphEntry): string {
  const { change, before, after, typeBefore, typeAfter, idAfter, moreDescriptors, inherited } = entry;
  const shape = (text: string | undefined) => (text === undefined ? null : shapeOf(text));
  // An entry whose key changes in numbers only is not alike to one that keeps its key.
  const isRenamed = before !== undefined && after !== undefined && before !== after;
  const known = [change, typeBefore, typeAfter, shape(before), shape(after), isRenamed, idAfter !== undefined];
  if (inherited === undefined) return JSON.stringify(['entry', ...known, moreDescriptors]);
  const { caller_fd, was, split_from, apply, position } = inherited;
  const given = [caller_fd, shape(was.key), was.type, split_from !== undefined, apply, position];
  return JSON.stringify(['entry', ...known, moreDescriptors, ...given]);
}

type Members = [first: number, ...others: number[]];

/** The nodes of each class, in the order of their first ones. */
function membersOf(classes: readonly number[]): Members[] {
  const groups = new Map<number, Members>();
  for (const [node, own] of classes.entries()) pushTo(groups, own, node);
  return [...groups.values()];
}

function withFirst(members: Members, isWanted: (member: number) => boolean): Members {
  const first = members.find(isWanted) ?? members[0];
  return [first, ...members.filter((member) => member !== first)];
}

/** The descriptors of one task, which stands for `tasks`; those with the same entries in one row. */
function rowsOf(edges: readonly Edge[], tasks: number, groupOf: (node: number) => number): RowGroup[] {
  const byNumber = new Map<number, Edge[]>();
  for (const edge of [...edges].sort((a, b) => (a.fd as number) - (b.fd as number))) {
    pushTo(byNumber, edge.fd as number, edge);
  }
  const rows = new Map<string, { fds: number[]; edges: Edge[] }>();
  for (const [fd, ofFd] of byNumber) {
    const name = usesOf(ofFd, 1, groupOf)
      .map(({ entry, presence, count }) => `${entry} ${presence} ${count}`)
      .join();
    const row = rows.get(name) ?? { fds: [], edges: [] };
    rows.set(name, row);
    row.fds.push(fd);
    row.edges.push(...ofFd);
  }
  return [...rows.values()].map(({ fds, edges: ofRow }) => {
    const uses = usesOf(ofRow, tasks, groupOf);
    return { fds, presence: together(uses), uses };
  });
}

function usesOf(edges: readonly Edge[], nodes: number, groupOf: (node: number) => number): Use[] {
  const uses = new Map<string, { entry: number; presence: Presence; count: number }>();
  for (const { to, presence } of edges) {
    const entry = groupOf(to);
    const use = uses.get(`${entry} ${presence}`) ?? { entry, presence, count: 0 };
    uses.set(`${entry} ${presence}`, use);
    use.count += nodes;
  }
  return [...uses.values()].sort((a, b) => a.entry - b.entry || (a.presence < b.presence ? -1 : 1));
}

/** A descriptor that went from one entry to another was there before and is there after. */
function together(uses: readonly Use[]): Presence {
  const [first = 'both', ...others] = new Set(uses.map(({ presence }) => presence));
  return others.length === 0 ? first : 'both';
}

function callersOf(entries: readonly EntryGroup[]): CallerNode[] {
  const callers = new Map<number, number[]>();
  entries.forEach(({ callerFd }, i) => {
    if (callerFd !== undefined) pushTo(callers, callerFd, i);
  });
  return [...callers].sort(([a], [b]) => a - b).map(([fd, members]) => ({ fd, entries: members }));
}
