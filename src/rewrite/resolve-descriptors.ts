import { addTo } from '../bytes/groups';
import { readPathless } from '../checkpoint/describe-entry';
import { entryType } from '../checkpoint/entry-types';
import type { FileEntryView } from '../checkpoint/file-entry';
import { Tasks } from '../checkpoint/tasks';
import type { Subscriber } from '../checkpoint/walk/subscriber';
import { walk } from '../checkpoint/walk/walk';
import type { DescriptorKey, InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import { DescriptorKeys } from './descriptor-keys';

/** This many numbers are listed where a spec names one that is not there. */
const MAX_LISTED = 20;

export interface ResolvedDescriptors {
  /** Numbers of the specs that name a descriptor, by the file id of its entry; ascending. */
  readonly specsOfId: ReadonlyMap<number, readonly number[]>;
  /** File ids of the regular entries that hold the paths of such entries, and of other ends of their pipes. */
  readonly pathIds: ReadonlySet<number>;
  /** Why a spec, given by its number, names no descriptor; undefined where it does. */
  readonly explain: (spec: number) => string | undefined;
}

const NOTHING: ResolvedDescriptors = { specsOfId: new Map(), pathIds: new Set(), explain: () => undefined };

/**
 * Finds out which entries the keys /proc/PID/fd/N mean. A pass of its own over tasks and tables, before
 * files.img is looked at; none where no spec has such a key. Where one names an entry whose path is in another one
 * (a FIFO), there is a second pass, for that one may lie before it.
 */
export async function resolveDescriptors(
  source: Source,
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<ResolvedDescriptors> {
  const wanted = new Set(specs.flatMap(({ key }) => (key.kind === 'descriptor' ? [key.fd] : [])));
  if (wanted.size === 0) return NOTHING;
  const { tasks, tables } = await readTables(source, wanted, signal);
  const keys = new DescriptorKeys(specs, tasks);
  const specsOfId = new Map<number, Set<number>>();
  const matched = new Set<number>();
  const pathless = new Set<number>();
  for (const [table, { found }] of tables) {
    for (const { fd, id, type } of found) {
      for (const number of keys.for(table, fd)) {
        addTo(specsOfId, id, number);
        matched.add(number);
        if (entryType(type)?.inherit?.pathId !== undefined) pathless.add(id);
      }
    }
  }
  return {
    specsOfId: new Map([...specsOfId].map(([id, numbers]) => [id, [...numbers].sort((a, b) => a - b)])),
    pathIds: await findPaths(source, pathless, signal),
    explain: (spec) => {
      const key = specs[spec]?.key;
      return key?.kind !== 'descriptor' || matched.has(spec) ? undefined : explainMissing(key, tasks, tables);
    },
  };
}

interface Table {
  /** Descriptors whose number a spec has. */
  readonly found: { readonly fd: number; readonly id: number; readonly type: number }[];
  /** Numbers of some descriptors, for messages: one more than are listed tells that there are more. */
  readonly some: number[];
}

/** The tasks, and of each table the descriptors whose number is wanted. */
async function readTables(source: Source, wanted: ReadonlySet<number>, signal?: AbortSignal) {
  const tasks = new Tasks();
  const tables = new Map<number, Table>();
  let table: Table = { found: [], some: [] };
  const events: Subscriber = {
    opened: ({ kind, number }) => {
      if (kind.name !== 'FDINFO') return;
      table = { found: [], some: [] };
      tables.set(number, table);
    },
    descriptor: (view) => {
      if (view.id === -1) return;
      const { id, fd, type } = view.checkComplete();
      if (table.some.length <= MAX_LISTED) table.some.push(fd);
      if (wanted.has(fd)) table.found.push({ fd, id, type });
    },
  };
  await walk(source, [tasks.events, events], signal);
  return { tasks, tables };
}

/** The ids of the regular entries with the paths of these entries, and of all others that are open on the same FIFOs. */
async function findPaths(source: Source, wanted: ReadonlySet<number>, signal?: AbortSignal): Promise<Set<number>> {
  if (wanted.size === 0) return new Set();
  const seen: { id: number; pipeId: number | undefined; pathId: number }[] = [];
  const entry = (view: FileEntryView) => {
    const pathless = readPathless(view);
    if (pathless === undefined) return;
    const { pipe_id: pipeId } = pathless.decoded as { pipe_id?: number };
    seen.push({ id: view.id, pipeId, pathId: pathless.pathId });
  };
  await walk(source, [{ entry }], signal);
  const pipes = new Set(seen.flatMap(({ id, pipeId }) => (wanted.has(id) && pipeId !== undefined ? [pipeId] : [])));
  const isWanted = ({ id, pipeId }: { id: number; pipeId: number | undefined }) =>
    wanted.has(id) || (pipeId !== undefined && pipes.has(pipeId));
  return new Set(seen.flatMap((one) => (isWanted(one) ? [one.pathId] : [])));
}

function explainMissing(
  { pid, fd }: DescriptorKey,
  tasks: Tasks,
  tables: ReadonlyMap<number, { some: readonly number[] }>,
): string {
  if (pid === undefined) return `no task has a descriptor ${fd}; ${listAll(tables)}`;
  const table = tasks.tableOf(pid);
  const owner = tasks.taskOfThread(pid);
  if (owner !== undefined) return `${pid} is a thread of task ${owner}: name that one`;
  const pids = tasks.allPids();
  if (!pids.includes(pid)) return `there is no task ${pid}; there are ${listSome(pids, pids.length)}`;
  if (table === undefined) return `task ${pid} is dead: it has no descriptors`;
  const some = tables.get(table)?.some ?? [];
  return `task ${pid} has no descriptor ${fd}; it has ${listSome(
    [...some].sort((a, b) => a - b),
    some.length,
  )}`;
}

/** The descriptors of all tables, for keys that name every task. */
function listAll(tables: ReadonlyMap<number, { some: readonly number[] }>): string {
  const all = new Set<number>();
  for (const { some } of tables.values()) {
    for (const fd of some) all.add(fd);
    if (all.size > MAX_LISTED) break;
  }
  return `there are ${listSome(
    [...all].sort((a, b) => a - b),
    all.size,
  )}`;
}

function listSome(numbers: readonly number[], count: number): string {
  if (count === 0) return 'none';
  const more = count > MAX_LISTED ? ', …' : '';
  return numbers.slice(0, MAX_LISTED).join(', ') + more;
}
