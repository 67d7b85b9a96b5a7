import test from 'ava';
import { diff, openSource } from '../../src';
import { CheckpointContext } from '../../src/diff/context';
import { PlanProof } from '../../src/diff/proof/plan-proof';
import type { Plan } from '../../src/plan/plan';
import {
  descriptor,
  fileEntry,
  NO_OWNER,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';

/** Counts how often a function of a built-in is called, until the test ends. */
function counting(of: object, name: PropertyKey, end: (restore: () => void) => void): () => number {
  const original = Reflect.get(of, name);
  let calls = 0;
  const put = (value: unknown) => Reflect.set(of, name, value);
  put(function count(this: unknown, ...args: unknown[]) {
    calls += 1;
    return Reflect.apply(original, this, args);
  });
  end(() => put(original));
  return () => calls;
}

test.serial('many tasks with one table and many descriptors in it are not put together', async (t) => {
  const [tasks, fds] = [300, 300];
  const pids = Array.from({ length: tasks }, (_none, i) => 7 + i);
  const source = await openSource(
    writeCheckpoint(temporaryDirectory(t), {
      ...smallCheckpoint(),
      'pstree.img': pids.map((pid) => ({ pid, ppid: pid === 7 ? 0 : 7, pgid: 7, sid: 7 })),
      ...Object.fromEntries(pids.map((pid) => [`ids-${pid}.img`, smallCheckpoint()['ids-7.img'] ?? []])),
      'fdinfo-1.img': Array.from({ length: fds }, (_none, fd) => descriptor(3, fd, 'REG')),
    }),
  );
  const context = await CheckpointContext.read(source, new Set([3]));
  const pushes = counting(Array.prototype, 'push', t.teardown);
  const found = context.referencesTo(3);
  const count = pushes();
  t.is(found.length, 1001);
  t.deepEqual([found[0], found[299], found[300], found[999]], ['7/0', '7/299', '8/0', '10/99']);
  t.is(found[1000], `${tasks * fds - 1000} more`);
  t.true(count < 20_000, `${count} pushes`);
});

test.serial('many placeholders with rights in one packet are not compared with each other', async (t) => {
  const count = 1000;
  const right = { scm_right: { packet: 0, socket_id: 9 } };
  const placeholders = Array.from({ length: count }, (_none, i) => ({
    ...{ file_id: 100 + i, split_from: 3, caller_fd: 5, was: { type: 'REG', key: `/${i}` }, in_flight: [] },
    references: [right, right],
  }));
  const plan = { images: [], warnings: [], specs: [], placeholders } as unknown as Plan;
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), smallCheckpoint()));
  const searches = counting(Array.prototype, 'includes', t.teardown);
  const proof = await PlanProof.of(plan, source);
  t.true(searches() < count, `${searches()} searches`);
  const told = proof.missing().filter((line) => line.startsWith('sk-queues.img, entry 0'));
  t.is(told.length, count);
});

test('a FIFO has the first of several paths that a damaged image has for it', async (t) => {
  const fifo = { type: 'FIFO', id: 20, fifo: { id: 20, pipe_id: 7, regf_id: 21, fown: NO_OWNER } };
  const files = [fifo, fileEntry(21, '/first', 0), fileEntry(21, '/second', 0)];
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), { ...smallCheckpoint(), 'files.img': files }));
  t.is((await CheckpointContext.read(source, new Set([20]))).keyOf(20), '/first');
});

test('a descriptor of many tasks is told with the first of them', async (t) => {
  const pids = Array.from({ length: 1500 }, (_none, i) => 7 + i);
  const made = (fds: readonly number[]) =>
    openSource(
      writeCheckpoint(temporaryDirectory(t), {
        ...smallCheckpoint(),
        'pstree.img': pids.map((pid) => ({ pid, ppid: pid === 7 ? 0 : 7, pgid: 7, sid: 7 })),
        ...Object.fromEntries(pids.map((pid) => [`ids-${pid}.img`, smallCheckpoint()['ids-7.img'] ?? []])),
        'fdinfo-1.img': fds.map((fd) => descriptor(3, fd, 'REG')),
      }),
    );
  const { meaning, close } = await diff(await made([0]), await made([0, 5]));
  close();
  const told = meaning.find(({ about }) => about === 'descriptor')?.text ?? '';
  t.regex(told, /^7\/5, 8\/5, .*, 1006\/5, 500 more: opened, /);
});
