import test from 'ava';
import fc from 'fast-check';
import { FdgraftError, parseShard } from '../../src';
import { isArrayTask, isInShard } from '../../src/batch/shard';

test('I/N is read, and nothing else', (t) => {
  t.deepEqual(parseShard('0/4', {}), { index: 0, count: 4 });
  t.deepEqual(parseShard('3/4', {}), { index: 3, count: 4 });
  for (const text of ['4/4', '0/0', '1', '-1/4', '1/4/2', 'a/4', '', 'auto/0', '1.5/4', '0/4 ', '0/9999999999']) {
    t.throws(() => parseShard(text, {}), { instanceOf: FdgraftError, code: 'USAGE' }, text);
  }
});

test('auto is the task of a Slurm array, wherever and in whatever steps that counts', (t) => {
  const slurm = (id: string, count: string, more: object = {}) => ({
    SLURM_ARRAY_TASK_ID: id,
    SLURM_ARRAY_TASK_COUNT: count,
    ...more,
  });
  t.deepEqual(parseShard('auto', slurm('2', '3')), { index: 2, count: 3 });
  t.deepEqual(parseShard('auto', slurm('3', '3', { SLURM_ARRAY_TASK_MIN: '1' })), { index: 2, count: 3 });
  const steps = { SLURM_ARRAY_TASK_MIN: '10', SLURM_ARRAY_TASK_MAX: '30', SLURM_ARRAY_TASK_STEP: '10' };
  t.deepEqual(parseShard('auto', slurm('20', '3', steps)), { index: 1, count: 3 });
  // --array=1,2,7: the place in the list is in no variable.
  const list = { SLURM_ARRAY_TASK_MIN: '1', SLURM_ARRAY_TASK_MAX: '7' };
  for (const id of ['1', '2', '7']) {
    const error = t.throws(() => parseShard('auto', slurm(id, '3', list)), { code: 'USAGE' });
    t.regex((error as FdgraftError).hint ?? '', /auto\/N/);
  }
  t.throws(() => parseShard('auto', slurm('x', '3')), { code: 'USAGE' });
  t.throws(() => parseShard('auto', {}), { code: 'USAGE', message: /SLURM_ARRAY_TASK_ID/ });
  const kubernetes = t.throws(() => parseShard('auto', { JOB_COMPLETION_INDEX: '1' }), { code: 'USAGE' });
  t.regex((kubernetes as FdgraftError).hint ?? '', /auto\/N/);
});

test('auto/N is an index of Kubernetes, or the id of a Slurm task as it is', (t) => {
  t.deepEqual(parseShard('auto/4', { JOB_COMPLETION_INDEX: '3' }), { index: 3, count: 4 });
  const again = { SLURM_ARRAY_TASK_ID: '3', SLURM_ARRAY_TASK_COUNT: '1', SLURM_ARRAY_TASK_MIN: '3' };
  t.deepEqual(parseShard('auto/10', again), { index: 3, count: 10 });
  t.throws(() => parseShard('auto/4', { JOB_COMPLETION_INDEX: '4' }), { code: 'USAGE' });
  t.throws(() => parseShard('auto/4', {}), { code: 'USAGE' });
});

test('a task of an array is known', (t) => {
  t.true(isArrayTask({ SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '2' }));
  t.false(isArrayTask({ SLURM_ARRAY_TASK_ID: '1', SLURM_ARRAY_TASK_COUNT: '1' }));
  t.false(isArrayTask({}));
});

test('each path is in one shard, whatever else there is', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 50 }), (name, count) => {
      const shards = Array.from({ length: count }, (_, index) => isInShard(name, { index, count }));
      return shards.filter(Boolean).length === 1;
    }),
  );
  // Other machines, other times: these may never change, or a resumed batch divides the work otherwise.
  const index = (name: string) => [0, 1, 2, 3, 4].find((at) => isInShard(name, { index: at, count: 5 }));
  t.deepEqual(['ckpts/a', 'ckpts/b', 'ckpts/ü', 'x'].map(index), [0, 1, 2, 2]);
});

test('shards are about as large as each other', (t) => {
  const counts = [0, 0, 0, 0];
  for (let i = 0; i < 4000; i += 1) {
    const index = counts.findIndex((_, at) => isInShard(`ckpts/job-${i}`, { index: at, count: 4 }));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  t.true(Math.min(...counts) > 850, counts.join(' '));
});
