/** Graphs of differences in which much is alike: the same tasks and entries again and again, and some that break it. */
import fc from 'fast-check';
import type { DiffGraph, GraphDescriptor, GraphEntry, GraphTask } from '../../src';
import type { PlanPlaceholder } from '../../src/plan/plan';

type Made<T> = T extends fc.Arbitrary<infer One> ? One : never;

const presence = fc.constantFrom('both' as const, 'before' as const, 'after' as const);

const entry = fc.record({
  name: fc.constantFrom('pipe', 'log'),
  change: fc.constantFrom('changed' as const, 'added' as const, 'removed' as const, 'same' as const),
  callerFd: fc.option(fc.integer({ min: 5, max: 6 }), { freq: 2 }),
  isRenamed: fc.boolean(),
  more: fc.constantFrom(0, 0, 0, 2),
  holders: fc.array(fc.record({ task: fc.nat(9), fd: fc.nat(3), presence }), { maxLength: 3 }),
  queues: fc.array(fc.record({ socket: fc.integer({ min: 90, max: 92 }), presence }), { maxLength: 1 }),
});
const task = fc.record({ name: fc.constantFrom('rank 1', 'rank 2', 'shell'), was: fc.boolean(), presence });

const worlds = fc.record({
  /** Each has its own tasks and entries, so often. */
  cells: fc.array(
    fc.record({
      copies: fc.integer({ min: 1, max: 4 }),
      tasks: fc.array(task, { minLength: 1, maxLength: 2 }),
      entries: fc.array(entry, { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 2 },
  ),
  /** Entries that all copies of the first cell have. */
  shared: fc.array(entry, { maxLength: 2 }),
  /** Later tasks have the earlier entries. */
  isReversed: fc.boolean(),
  /** Entries of any tasks. */
  others: fc.array(entry, { maxLength: 1 }),
});

/** As `buildGraph` makes them: a task is there if it has a descriptor, and a descriptor is there once in an entry. */
export const graphs: fc.Arbitrary<DiffGraph> = worlds.map(({ cells, shared, isReversed, others }) => {
  const kinds = new Map<number, Made<typeof task>>();
  const entries: GraphEntry[] = [];
  const copies = cells.flatMap((cell) =>
    Array.from({ length: cell.copies }, () => {
      const pids = cell.tasks.map((kind) => {
        const pid = 100 + kinds.size;
        kinds.set(pid, kind);
        return pid;
      });
      return { cell, pids };
    }),
  );
  for (const { cell, pids } of isReversed ? copies.toReversed() : copies) {
    for (const one of cell.entries) entries.push(made(one, entries.length, [pids]));
  }
  const first = copies.filter(({ cell }) => cell === cells[0]).map(({ pids }) => pids);
  for (const one of shared) entries.push(made(one, entries.length, first));
  for (const one of others) entries.push(made(one, entries.length, [[...kinds.keys()]]));
  const held = new Set(entries.flatMap(({ descriptors }) => descriptors.map(({ pid }) => pid)));
  const tasks = [...kinds]
    .filter(([pid]) => held.has(pid))
    .map(([pid, { name, was, presence: where }]): GraphTask => {
      return {
        pid,
        label: `task ${pid} (${name})`,
        ...(was ? { was: `task ${pid} (other)` } : {}),
        presence: where,
      };
    });
  return { tasks, entries, moreEntries: 0 };
});

/** An entry that tasks of each of these lists have. */
function made(kind: Made<typeof entry>, place: number, lists: readonly (readonly number[])[]): GraphEntry {
  const { name, change, callerFd, isRenamed, more, holders, queues } = kind;
  const id = 10 + place;
  const held = new Map<string, GraphDescriptor>();
  for (const pids of lists) {
    for (const holder of holders) {
      const pid = pids[holder.task % pids.length] as number;
      held.set(`${pid}/${holder.fd}`, { pid, fd: holder.fd, presence: holder.presence });
    }
  }
  const key = `${name}:[${id}]`;
  const type = name === 'log' ? 'REG' : 'PIPE';
  const inherited = { caller_fd: callerFd, was: { key, type }, apply: 'AUTO', position: 'CALLER' };
  return {
    id,
    change,
    ...(change === 'added' ? {} : { before: key, typeBefore: type }),
    ...(change === 'removed' ? {} : { after: isRenamed ? `${name}:[${id + 50}]` : key, typeAfter: type }),
    descriptors: [...held.values()].sort((a, b) => a.pid - b.pid || a.fd - b.fd),
    moreDescriptors: more,
    queues,
    ...(callerFd === null || change === 'removed' ? {} : { inherited: inherited as unknown as PlanPlaceholder }),
  };
}
