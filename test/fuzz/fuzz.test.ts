/** A short run of the fuzzer, the same each time, behind all inputs in which something was wrong once. */
import test from 'ava';
import { atDepth } from '../support/depth';
import { CORPUS, keptInputs } from './corpus';
import { countBuffers } from './meter';
import { jobsOf, runKept, runStretch } from './run';
import { TARGETS } from './targets/all';

const SEED = 1;
const MANY = 40;
const INPUTS = atDepth(20_000, 60_000);

countBuffers();
const targets = TARGETS.map((make) => make());
test.after.always(() => {
  for (const target of targets) target.close?.();
});

for (const target of targets) {
  test.serial(`${target.name}: what was found once is not found again`, async (t) => {
    const kept = keptInputs(CORPUS, target.name).map(({ input }) => input);
    const problems = (await runKept(target, kept)).map(({ problem }) => problem);
    t.deepEqual(problems, []);
  });

  test.serial(`${target.name}: its share of ${INPUTS} inputs`, async (t) => {
    const jobs = jobsOf(targets, SEED, INPUTS).filter((job) => targets[job.target] === target);
    for (const job of jobs) {
      const { findings, kinds, runs } = await runStretch(target, job);
      const told = findings.map(
        ({ number, problem }) => `--seed ${SEED} --only ${target.name} --from ${number}: ${problem}`,
      );
      t.deepEqual(told, []);
      // A few inputs can all end alike.
      if (runs >= MANY) t.true(kinds > 4, `${kinds} outcomes of ${runs} inputs`);
    }
  });
}

test('inputs are shared out whole, and each stretch lies within one round', (t) => {
  const round = targets.reduce((sum, { share }) => sum + share, 0);
  for (const runs of [1, 999, round, round + 1, 3 * round - 1]) {
    const jobs = jobsOf(targets, SEED, runs);
    t.is(
      jobs.reduce((sum, job) => sum + job.runs, 0),
      runs,
    );
    for (const { target, from, runs: count } of jobs) {
      const { share } = targets[target] as (typeof targets)[number];
      t.true(from % share === 0 && count <= share);
    }
  }
});
