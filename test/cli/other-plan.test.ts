import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { file, O } from '../native/support';
import { putCheckpoint, SPEC } from '../support/batch';
import { runCommand } from '../support/command';
import { pipeEntry, smallCheckpoint, temporaryDirectory } from '../support/directories';
import { build, exec } from '../support/native';

/** A plan and images that do not belong together: each command that reads both says so, and what to do. */

test.before(() => void build());

const PLAN = 'inherit-plan.img';

async function rewritten(t: ExecutionContext) {
  const top = temporaryDirectory(t);
  const [source, out] = [path.join(top, 'ck'), path.join(top, 'out')];
  putCheckpoint(source);
  t.is((await runCommand(['rewrite', source, '-o', out, '--inherit-fd', SPEC])).code, 0);
  return { top, source, out };
}

/** What the executor says, before the start and in its place. */
async function refused(t: ExecutionContext, plan: string, expected: RegExp): Promise<void> {
  const give = [5, 6].map((fd) => file(fd, O.WRONLY, '/dev/null'));
  for (const words of [['--check'], ['--', 'sh', '-c', 'echo started']]) {
    const { code, stdout, stderr } = await exec(['--plan', plan, ...words], { give });
    t.deepEqual([code, stdout], [100, ''], stderr);
    t.regex(stderr, expected);
  }
}

async function notProved(t: ExecutionContext, source: string, out: string, expected: RegExp, plan = out) {
  const { code, stdout, stderr } = await runCommand(['diff', source, out, '--plan', plan]);
  t.not(code, 0, stdout);
  t.regex(stdout + stderr, expected);
}

test('images that were changed after the rewrite', async (t) => {
  const { source, out } = await rewritten(t);
  const image = path.join(out, 'fdinfo-1.img');
  const bytes = fs.readFileSync(image);
  // The flags of a descriptor: still an image.
  const at = bytes.lastIndexOf(Buffer.of(0x10, 0));
  bytes[at + 1] = 1;
  fs.writeFileSync(image, bytes);
  await refused(
    t,
    out,
    /image fdinfo-1\.img .*it was changed after the rewrite; if criu has dumped here since then, remove inherit-plan\.img/,
  );
  await notProved(t, source, out, /fdinfo-1\.img/);
});

test('the plan of another checkpoint', async (t) => {
  const { top, source, out } = await rewritten(t);
  const [other, otherOut] = [path.join(top, 'other'), path.join(top, 'other-out')];
  const images = smallCheckpoint();
  putCheckpoint(other, {
    ...images,
    'files.img': [...(images['files.img'] as object[]), pipeEntry(9, 4712, 1)] as never,
  });
  t.is((await runCommand(['rewrite', other, '-o', otherOut, '--inherit-fd', SPEC])).code, 0);
  await notProved(t, source, out, /not the plan that was given/, otherOut);
  fs.copyFileSync(path.join(otherOut, PLAN), path.join(out, PLAN));
  await refused(t, out, /image files\.img .*the plan says .*else rewrite the source again/);
  await notProved(t, source, out, /files\.img/);
});

test('images of other names, under the plan that names them', async (t) => {
  const { source, out } = await rewritten(t);
  fs.renameSync(path.join(out, 'fdinfo-2.img'), path.join(out, 'fdinfo-3.img'));
  await refused(
    t,
    out,
    /image fdinfo-2\.img .*No such file.*the plan and the images of one fdgraft rewrite belong together/,
  );
  await notProved(t, source, out, /fdinfo-[23]\.img/);
});

test('a plan in the directory of the dump that it was made from', async (t) => {
  const { source, out } = await rewritten(t);
  fs.copyFileSync(path.join(out, PLAN), path.join(source, PLAN));
  await refused(t, source, /image files\.img .*the plan says/);
  const { code, stderr } = await runCommand(['rewrite', source, '-o', `${out}2`, '--inherit-fd', SPEC]);
  t.is(code, 2, stderr);
  t.false(fs.existsSync(`${out}2`));
});

test('a plan of a newer format, for each reader', async (t) => {
  const { source, out } = await rewritten(t);
  const plan = path.join(out, PLAN);
  const bytes = fs.readFileSync(plan);
  // Two magics, the size of the head, and its first field: the format.
  t.deepEqual([bytes[12], (bytes[13] ?? 0) < 0x80], [0x08, true]);
  bytes[13] = 99;
  fs.writeFileSync(plan, bytes);
  await refused(t, out, /format 99/);
  for (const words of [
    ['show', plan],
    ['diff', source, out, '--plan', out],
  ]) {
    const { code, stderr } = await runCommand(words);
    t.is(code, 2, words.join(' '));
    t.regex(stderr, /99/, words.join(' '));
  }
});
