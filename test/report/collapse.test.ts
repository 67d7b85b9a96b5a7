/** The picture of `diff --format html`: nothing is lost in it, and no two things that are unlike become one. */
import test from 'ava';
import fc from 'fast-check';
import type { DiffGraph, GraphEntry } from '../../src';
import { classesOf } from '../../src/report/html/classes';
import { type CollapsedGraph, collapse } from '../../src/report/html/collapse';
import { layOut } from '../../src/report/html/graph-layout';
import { rangesOf } from '../../src/report/html/graph-words';
import { shapeOf } from '../../src/report/html/shape';
import { atDepth } from '../support/depth';
import { holds } from '../support/properties';
import { graphs } from '../support/random-graphs';

const RUNS = atDepth(400, 5000);
const property = (check: (graph: DiffGraph, collapsed: CollapsedGraph) => void) =>
  fc.asyncProperty(graphs, async (graph) => check(graph, collapse(graph)));

const sorted = (texts: readonly string[]) => [...texts].sort();
const socketsOf = ({ entries }: DiffGraph) => [
  ...new Set(entries.flatMap(({ queues }) => queues.map(({ socket }) => socket))),
];

test('every node of a graph is in one group, and every edge is counted once', async (t) => {
  await holds(
    t,
    property((graph, { tasks, entries, queues, callers }) => {
      const once = (groups: readonly (readonly unknown[])[], all: readonly unknown[]) => {
        const members = new Set(groups.flat());
        t.true(all.every((one) => members.has(one)));
        t.is(groups.flat().length, all.length);
      };
      once(
        tasks.map((group) => group.tasks),
        graph.tasks,
      );
      once(
        entries.map((group) => group.entries),
        graph.entries,
      );
      once(
        queues.map(({ sockets }) => sockets),
        socketsOf(graph),
      );
      const fds = graph.entries.flatMap(({ inherited }) => inherited?.caller_fd ?? []);
      t.deepEqual(
        callers.map(({ fd }) => fd),
        [...new Set(fds)].sort((a, b) => a - b),
      );
      t.is(
        callers.flatMap((caller) => caller.entries).flatMap((entry) => entries[entry]?.entries ?? []).length,
        fds.length,
      );

      const place = new Map(entries.flatMap((group, i) => group.entries.map((entry) => [entry, i] as const)));
      const edges = graph.entries.flatMap((entry) =>
        [...entry.descriptors, ...entry.queues].map(({ presence }) => `${place.get(entry)} ${presence}`),
      );
      const uses = [...tasks.flatMap(({ rows }) => rows), ...queues].flatMap((row) => row.uses);
      const counted = uses.flatMap(({ entry, presence, count }) => Array(count).fill(`${entry} ${presence}`));
      t.deepEqual(sorted(counted), sorted(edges));
    }),
    RUNS,
  );
});

test('a row of descriptors is a row of each task of its group', async (t) => {
  await holds(
    t,
    property((graph, { tasks, entries }) => {
      for (const group of tasks) {
        for (const { pid } of group.tasks) {
          const own = graph.entries.flatMap((entry) =>
            entry.descriptors.filter((one) => one.pid === pid).map((one) => ({ ...one, entry })),
          );
          const fds = group.rows.flatMap((row) => row.fds);
          t.deepEqual(sorted(fds.map(String)), sorted([...new Set(own.map(({ fd }) => String(fd)))]));
          for (const row of group.rows) {
            const reached = own.filter(({ fd }) => row.fds.includes(fd));
            for (const { entry, presence } of reached) {
              t.true(row.uses.some((use) => use.presence === presence && entries[use.entry]?.entries.includes(entry)));
            }
            t.is(
              reached.length * group.tasks.length,
              row.uses.reduce((sum, { count }) => sum + count, 0),
            );
          }
        }
      }
    }),
    RUNS,
  );
});

/** All that the picture and the tables say of an entry, without its numbers. */
function kindOf({ change, before, after, typeBefore, typeAfter, moreDescriptors, inherited }: GraphEntry): string {
  const words = (text = 'none') => text.replace(/\d+/g, 'N');
  return [
    ...[change, words(before), words(after), before === after, typeBefore, typeAfter, moreDescriptors],
    ...[inherited?.caller_fd, words(inherited?.was.key)],
  ].join();
}

test('the members of a group are of one kind, and their edges lead to the same groups', async (t) => {
  await holds(
    t,
    property((graph, { tasks, entries, queues }) => {
      const taskOf = new Map(tasks.flatMap((group, i) => group.tasks.map(({ pid }) => [pid, i] as const)));
      const entryOf = new Map(entries.flatMap((group, i) => group.entries.map((entry) => [entry, i] as const)));
      const queueOf = new Map(queues.flatMap((group, i) => group.sockets.map((socket) => [socket, i] as const)));
      const alike = (members: readonly string[]) => t.is(new Set(members).size, 1, members.join('\n'));
      for (const group of tasks) {
        alike(
          group.tasks.map(({ pid, label, was, presence }) => {
            const edges = graph.entries.flatMap((entry) =>
              entry.descriptors
                .filter((one) => one.pid === pid)
                .map((one) => `${one.fd} ${one.presence} ${entryOf.get(entry)}`),
            );
            return JSON.stringify([label.replace(/\d+/g, 'N'), was?.replace(/\d+/g, 'N'), presence, sorted(edges)]);
          }),
        );
      }
      for (const group of entries) {
        alike(
          group.entries.map((entry) => {
            const ofTasks = entry.descriptors.map(({ pid, presence }) => `task ${taskOf.get(pid)} ${presence}`);
            const ofQueues = entry.queues.map(({ socket, presence }) => `queue ${queueOf.get(socket)} ${presence}`);
            return JSON.stringify([kindOf(entry), sorted([...ofTasks, ...ofQueues])]);
          }),
        );
      }
      for (const group of queues) {
        alike(
          group.sockets.map((socket) => {
            const edges = graph.entries.flatMap((entry) =>
              entry.queues
                .filter((one) => one.socket === socket)
                .map(({ presence }) => `${presence} ${entryOf.get(entry)}`),
            );
            return JSON.stringify(sorted(edges));
          }),
        );
      }
    }),
    RUNS,
  );
});

test('what is alike becomes one, and one thing that is unlike stays apart', (t) => {
  const entry = (id: number, more: Partial<GraphEntry> = {}): GraphEntry => ({
    id,
    change: 'changed',
    before: `/run/rank-${id}/log`,
    after: `/run/rank-${id}/log`,
    typeBefore: 'REG',
    typeAfter: 'REG',
    descriptors: [{ pid: 100 + id, fd: 3, presence: 'both' }],
    moreDescriptors: 0,
    queues: [],
    ...more,
  });
  const graph = (entries: GraphEntry[], label = (pid: number) => `task ${pid} (rank)`): DiffGraph => {
    const pids = [...new Set(entries.flatMap(({ descriptors }) => descriptors.map(({ pid }) => pid)))];
    return { tasks: pids.map((pid) => ({ pid, label: label(pid), presence: 'both' })), entries, moreEntries: 0 };
  };
  const sizes = (one: DiffGraph) => {
    const { tasks, entries } = collapse(one);
    return [tasks.map((group) => group.tasks.length), entries.map((group) => group.entries.length)];
  };
  const fifty = Array.from({ length: 50 }, (_none, i) => entry(i));
  t.deepEqual(sizes(graph(fifty)), [[50], [50]]);
  const unlike = (more: Partial<GraphEntry>) => sizes(graph([...fifty.slice(1), entry(0, more)]));
  const apart = [
    [49, 1],
    [49, 1],
  ];
  for (const more of [
    { before: '/run/rank-0/out', after: '/run/rank-0/out' },
    { after: '/run/rank-77/log' },
    { change: 'same' as const },
    { typeAfter: 'EXT' },
    { moreDescriptors: 1 },
    { descriptors: [{ pid: 100, fd: 3, presence: 'after' as const }] },
    { queues: [{ socket: 9, presence: 'both' as const }] },
  ]) {
    t.deepEqual(unlike(more), apart, JSON.stringify(more));
  }
  const other = unlike({ descriptors: [{ pid: 100, fd: 4, presence: 'both' }] });
  t.deepEqual(other, apart, 'another number of the descriptor');
  const shell = graph(fifty, (pid) => `task ${pid} (${pid === 149 ? 'shell' : 'rank'})`);
  t.deepEqual(sizes(shell), apart, 'another program');
  // Files of a kind at many numbers of one task are one row.
  const parts = Array.from({ length: 300 }, (_none, i) =>
    entry(i, { descriptors: [{ pid: 7, fd: 3 + i, presence: 'both' }] }),
  );
  const { tasks } = collapse(graph(parts));
  t.deepEqual(
    tasks.map(({ rows }) => rows.map(({ fds }) => rangesOf(fds))),
    [['3–302']],
  );
});

test('the entry that stands for a group is one of the task that stands for its group', async (t) => {
  await holds(
    t,
    property((_graph, { tasks, entries }) => {
      const shown = new Set(tasks.map((group) => group.tasks[0]?.pid));
      for (const { entries: members } of entries) {
        const isOfShown = ({ descriptors }: GraphEntry) => descriptors.some(({ pid }) => shown.has(pid));
        t.is(isOfShown(members[0] as GraphEntry), members.some(isOfShown));
      }
    }),
    RUNS,
  );
});

test('nothing in the picture lies on something else, and every line ends at its boxes', async (t) => {
  await holds(
    t,
    property((_graph, collapsed) => {
      const { callers, entries, tasks, rights, height, uses, gifts } = layOut(collapsed);
      for (const column of [callers, entries, [...tasks, ...(rights === undefined ? [] : [rights])]]) {
        let free = 0;
        for (const place of [...column].sort((a, b) => a.y - b.y)) {
          t.true(place.y >= free, `${place.y} ${free}`);
          free = place.y + place.height;
        }
        t.true(free <= height);
      }
      const names = [callers, entries, tasks, tasks.flatMap(({ rows }) => rows), rights?.queues ?? []].flat();
      t.is(new Set(names.map(({ name }) => name)).size, names.length);
      for (const { from, to } of [...uses, ...gifts])
        t.true(names.includes(from as never) && names.includes(to as never));
    }),
    RUNS,
  );
});

test('a chain that needs more rounds than there are is not collapsed, and others are divided to the end', (t) => {
  const chain = (length: number) => ({
    nodes: Array(length).fill('node'),
    edges: Array.from({ length }, (_none, i) =>
      [i - 1, i + 1].filter((to) => to >= 0 && to < length).map((to) => ({ to, label: '' })),
    ),
  });
  t.is(new Set(classesOf(chain(100))).size, 50, 'both ends of a chain are alike');
  t.is(new Set(classesOf(chain(1000))).size, 1000);
  t.deepEqual(classesOf({ nodes: ['a', 'b', 'a'], edges: [[], [], []] }), [0, 1, 0]);
});

test('texts of one shape differ in numbers only, and caller fds are no numbers', (t) => {
  const same = (a: string, b: string) => shapeOf(a) === shapeOf(b);
  t.true(same('pipe:[1]', 'pipe:[20]'));
  t.true(same('/run/0123abcd0123/x', '/run/fedcba987654/x'));
  t.true(same('/a/123e4567-e89b-12d3-a456-426614174000', '/a/00000000-0000-0000-0000-000000000000'));
  t.false(same('/dev/sda', '/dev/sdb'));
  t.false(same('now from fd[5]', 'now from fd[6]'));
  t.false(same('/a/1', '/a/'));
});

test('numbers are told by their runs', (t) => {
  t.is(rangesOf([1]), '1');
  t.is(rangesOf([1, 2]), '1, 2');
  t.is(rangesOf([0, 3, 4, 5, 9]), '0, 3–5, 9');
});
