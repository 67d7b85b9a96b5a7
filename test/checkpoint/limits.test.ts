import test, { type ExecutionContext } from 'ava';
import { readPlanOf } from '../../src';
import { LIMITS } from '../../src/checkpoint/limits';
import { descriptor } from '../support/directories';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

/** Limits whose own numbers take minutes to reach, with smaller numbers. Serial: all tests of a file share them. */

function limit(t: ExecutionContext, limits: { -readonly [kind in keyof typeof LIMITS]?: number }): void {
  const before = { ...LIMITS };
  Object.assign(LIMITS, limits);
  t.teardown(() => Object.assign(LIMITS, before));
}

const LOG = { specs: ['fd[5]:/var/log/app.log'] };
/** Table 1, which task 7 has, with so many descriptors of the log. */
const descriptorsOfLog = (count: number) => ({
  'fdinfo-1.img': Array.from({ length: count }, (_none, fd) => descriptor(3, fd, 'REG')),
});

test.serial('the limits are those that are documented', (t) => {
  t.is(LIMITS.references, 1 << 20);
  t.is(LIMITS.planned, 1 << 24);
  t.is(LIMITS.placeholders, 1 << 18);
});

test.serial(
  'descriptors of entries that specs name: the limit is taken, one more is refused by its image',
  async (t) => {
    limit(t, { references: 100 });
    const { plan } = await rewriteImages(t, smallWith(descriptorsOfLog(100)), LOG);
    t.is(plan.placeholders[0]?.references.length, 100);
    const { code, message, hint } = await refusal(t, smallWith(descriptorsOfLog(101)), LOG);
    t.is(code, 'SOURCE_UNUSABLE');
    t.is(
      message,
      'fdinfo-1.img: has more than 100 descriptors of entries that specs name, the most that fdgraft takes',
    );
    t.is(hint, 'write specs that match fewer entries');
  },
);

test.serial('the same, each counted for every task that uses its table', async (t) => {
  limit(t, { planned: 100 });
  // Tasks 7 and 8 share table 1.
  const shared = (count: number) =>
    smallWith({ ...descriptorsOfLog(count), 'ids-8.img': [{ vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1 }] });
  const { plan } = await rewriteImages(t, shared(50), LOG);
  t.is(plan.placeholders[0]?.references.length, 50);
  const { code, message } = await refusal(t, shared(51), LOG);
  t.is(code, 'SOURCE_UNUSABLE');
  t.regex(
    message,
    /checkpoint-\w+: has more than 100 descriptors of entries that specs name, each counted for every task that uses its table, the most/,
  );
});

test.serial('entries that specs name: what is written of a plan can be read', async (t) => {
  limit(t, { placeholders: 2 });
  const two = { specs: ['fd[5]:/var/log/app.log', 'fd[6]:pipe:[4711]'] };
  const { out } = await rewriteImages(t, smallWith({}), two);
  t.is((await readPlanOf(out)).placeholders.length, 2);
  limit(t, { placeholders: 1 });
  const { message } = await refusal(t, smallWith({}), two);
  t.regex(message, /has more than 1 entries that specs name, the most that fdgraft takes/);
  await t.throwsAsync(readPlanOf(out), { message: /has more than 1 placeholders/ });
});
