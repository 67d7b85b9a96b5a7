import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FdgraftError, inspect, openSource, readPlanOf, rewrite } from '../../src';
import { PLAN_FORMAT } from '../../src/plan/plan';
import { file, O, scratch } from '../native/support';
import { build, exec, helper, run, type Variant } from '../support/native';

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

const NEWER = PLAN_FORMAT + 1;

/** A rewritten image directory whose plan is of the next format, with fields and a placeholder that nobody knows yet. */
async function withNewerPlan(t: ExecutionContext): Promise<string> {
  const out = join(scratch(t), 'out');
  const source = await openSource(join(__dirname, '../../fixtures/images/two_paths'));
  await rewrite(source, { specs: ['fd[5]:pipe:[128372]'], out });
  const file = join(out, 'inherit-plan.img');
  const plan = readFileSync(file);
  const size = plan.readUInt32LE(8);
  // The last of two values of a field counts: format, and then field 1000.
  const head = Buffer.concat([plan.subarray(12, 12 + size), Buffer.from([8, NEWER, 0xc0, 0x3e, 1])]);
  const sizeOf = (record: Buffer) => Buffer.from(new Uint32Array([record.length]).buffer);
  const unknown = Buffer.from([0xc0, 0x3e, 1]);
  writeFileSync(
    file,
    Buffer.concat([plan.subarray(0, 8), sizeOf(head), head, plan.subarray(12 + size), sizeOf(unknown), unknown]),
  );
  return out;
}

test('a plan of a later format is refused by all that read plans, with what to do', async (t) => {
  const out = await withNewerPlan(t);
  for (const place of [out, join(out, 'inherit-plan.img')]) {
    const error = await t.throwsAsync(readPlanOf(place), { instanceOf: FdgraftError });
    t.is(error.exitCode, 2);
    t.regex(error.message, new RegExp(`has plan format ${NEWER}; this version reads formats 1 to ${PLAN_FORMAT}`));
    t.is(error.hint, 'use the fdgraft that wrote the plan, or a newer one');
  }
});

test('images beside a plan of a later format are listed', async (t) => {
  const types: (string | undefined)[] = [];
  for await (const { type } of inspect(await openSource(await withNewerPlan(t)))) types.push(type);
  t.true(types.includes('EXT'), types.join());
});

for (const variant of VARIANTS) {
  const expected = new RegExp(
    `head: format ${NEWER}, this fdgraft-exec reads formats 1 to ${PLAN_FORMAT}; use fdgraft-exec and fdgraft\\.so of the fdgraft that wrote it`,
  );

  test(`a plan of a later format is refused by the executor, which starts nothing (${variant})`, async (t) => {
    const out = await withNewerPlan(t);
    const give = [file(5, O.WRONLY, '/dev/null')];
    for (const words of [['--check'], ['--task', '14716', '--', 'echo', 'started'], ['--', 'echo', 'started']]) {
      const { code, stdout, stderr } = await exec(['--plan', out, ...words], { variant, give });
      t.deepEqual([code, stdout], [100, ''], words.join(' '));
      t.regex(stderr, expected);
    }
  });

  test(`a plan of a later format is refused by the plugin, which fails the restore (${variant})`, async (t) => {
    const out = await withNewerPlan(t);
    const played = await run([helper('host', variant), join(build(variant), 'fdgraft.so'), out, '2', '3'], {
      give: [],
    });
    t.is(played.code, 1, played.stderr);
    t.true(played.stdout.includes('init -1'), played.stdout);
    t.regex(played.stdout, expected);
  });
}
