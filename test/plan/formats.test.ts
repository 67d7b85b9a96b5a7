import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readPlanOf } from '../../src';
import { PLAN_FORMAT } from '../../src/plan/plan';
import { file, O, scratch } from '../native/support';
import { exec, type Variant } from '../support/native';

/** fixtures/plans has one plan of each earlier format: the command and the executor go on reading them. */

const VARIANTS: readonly Variant[] = ['plain', 'sanitized'];
const plans = join(__dirname, '../../fixtures/plans');

test('there is a plan of each earlier format', (t) => {
  const expected = Array.from({ length: PLAN_FORMAT - 1 }, (_, at) => `format-${at + 1}.img`);
  t.deepEqual(readdirSync(plans).sort(), expected);
});

for (const name of readdirSync(plans)) {
  test(`${name} is read as it was written`, async (t) => {
    const own = scratch(t);
    copyFileSync(join(plans, name), join(own, 'inherit-plan.img'));
    const plan = await readPlanOf(own);
    t.is(`format-${plan.format}.img`, name);
    t.deepEqual(
      plan.placeholders.map(({ file_id, caller_fd, was }) => [file_id, caller_fd, was.key, was.offset]),
      [
        [3, 5, 'pipe:[128372]', undefined],
        [4, 7, '/srv/fdgraft/logs/out.log', 9n],
      ],
    );
  });

  for (const variant of VARIANTS) {
    test(`${name} is carried out (${variant})`, async (t) => {
      const own = scratch(t);
      copyFileSync(join(plans, name), join(own, 'inherit-plan.img'));
      const log = join(own, 'log');
      const give = [file(5, O.WRONLY, '/dev/null'), file(7, O.WRONLY | O.CREAT | O.APPEND, log)];
      const { code, stderr } = await exec(
        ['--plan', own, '--task', '14716', '--', 'sh', '-c', 'echo one >&5; echo two >&7'],
        { variant, give },
      );
      t.deepEqual([code, stderr], [0, 'hello']);
      // In the plan, descriptors 5 and 7 of the task are one open file.
      t.is(readFileSync(log, 'utf8'), 'one\ntwo\n');
    });
  }
}
