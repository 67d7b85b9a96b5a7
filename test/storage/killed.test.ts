import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { countWrites, type Ended, killAfter, killAt, leftAlone } from '../support/at-call';
import { bin, top } from '../support/command';
import { atDepth, numbersTo } from '../support/depth';
import { snapshot, temporaryDirectory } from '../support/directories';
import { inDirectories } from '../support/in-directories';
import { build } from '../support/native';
import { randomFrom } from '../support/random';

/** Whatever call of a rewrite is the last, and whatever moment: the directories are as before it or as after it. */

const RANDOM_KILLS = atDepth(16, 200);
const POINTS = atDepth(12, 400);
const SEED = 1;
const TIMEOUT_MS = 300_000;

test.before(() => {
  build();
});

function rewriteOf(source: string, ...where: string[]): [string, ...string[]] {
  // What every task of the fixture has open: three tables change, and files.img.
  return [process.execPath, bin, 'rewrite', source, ...where, '--inherit-fd', 'fd[5]:/dev/null'];
}

/** A checkpoint with all that a directory of images can hold, in a directory that has nothing else. */
function arrange(parent: string): string {
  const source = path.join(parent, 'ckpt');
  fs.cpSync(path.join(top, 'fixtures/images/many_tasks'), source, { recursive: true });
  fs.mkdirSync(path.join(source, 'work/deep'), { recursive: true });
  fs.writeFileSync(path.join(source, 'work/deep/state'), 'of somebody else');
  fs.writeFileSync(path.join(source, 'dump.log'), 'log');
  fs.symlinkSync('pages-1.img', path.join(source, 'link'));
  fs.symlinkSync('dump.log', path.join(source, 'restore.log'));
  fs.chmodSync(path.join(source, 'files.img'), 0o640);
  fs.chmodSync(path.join(source, 'work'), 0o711);
  fs.chmodSync(source, 0o750);
  if (process.getuid?.() === 0)
    for (const name of ['.', 'fdinfo-2.img', 'mm-14716.img']) fs.chownSync(path.join(source, name), 1234, 4321);
  return source;
}

type Picture = { [name: string]: string };

/**
 * All of a directory that can be seen: what is in it, and modes and owners, its own and those of subdirectories too.
 */
function picture(directory: string): Picture {
  const seen: Picture = {};
  for (const [name, content] of Object.entries(snapshot(directory))) seen[name] = content;
  for (const name of ['.', ...fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })]) {
    const { mode, uid, gid } = fs.lstatSync(path.join(directory, name));
    seen[`${name} is`] = `${mode.toString(8)} of ${uid}:${gid}`;
  }
  return seen;
}

const isSame = (a: Picture, b: Picture) =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());

test.serial('OUT is whole or not there, and the source as it was, whichever call is the last', async (t) => {
  t.timeout(TIMEOUT_MS);
  const undisturbed = temporaryDirectory(t);
  const source = arrange(undisturbed);
  const before = picture(source);
  const out = path.join(undisturbed, 'out');
  const { calls, code, stderr } = await countWrites(rewriteOf(source, '-o', out));
  t.is(code, 0, stderr);
  t.true(calls.length > 10);
  t.deepEqual(picture(source), before);
  const whole = picture(out);
  const seen = { absent: 0, whole: 0 };
  await inDirectories(t, numbersTo(calls.length, POINTS), async (n, directory) => {
    const source = arrange(directory);
    const out = path.join(directory, 'out');
    const { signal } = await killAt(n, rewriteOf(source, '-o', out));
    const where = `killed before call ${n}, ${calls[n - 1]}`;
    t.is(signal, 'SIGKILL', where);
    t.deepEqual(picture(source), before, where);
    if (fs.existsSync(out)) t.deepEqual(picture(out), whole, where);
    seen[fs.existsSync(out) ? 'whole' : 'absent'] += 1;
  });
  t.true(seen.absent > 0 && seen.whole > 0, JSON.stringify(seen));
});

/** What a rewrite in place finds and leaves, and the calls that it makes. */
async function undisturbedInPlace(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  const source = arrange(directory);
  const before = picture(source);
  const { calls, code, stderr } = await countWrites(rewriteOf(source, '--in-place'));
  t.is(code, 0, stderr);
  t.true(calls.length > 10);
  t.true(
    calls.some((call) => call.startsWith('renameat2 ')),
    'the exchange is not among the calls',
  );
  t.deepEqual(fs.readdirSync(directory), ['ckpt']);
  const after = picture(source);
  t.false(isSame(before, after));
  return { before, after, calls };
}

/**
 * Looks at what a rewrite in place that was killed has left, then does it once more.
 * Resolves to what it was, and how the second run ended.
 */
async function checkInPlace(
  t: ExecutionContext,
  source: string,
  { before, after }: { before: Picture; after: Picture },
  where: string,
): Promise<{ was: 'before' | 'after'; again: Ended }> {
  const directory = path.dirname(source);
  t.true(fs.existsSync(source), `${where}: the source is missing`);
  const found = picture(source);
  const was = isSame(found, before) ? 'before' : 'after';
  if (was === 'after') t.deepEqual(found, after, where);
  for (const name of fs.readdirSync(directory)) t.regex(name, /^ckpt$|^\.ckpt\.fdgraft-/, where);
  const again = await leftAlone(rewriteOf(source, '--in-place'));
  t.is(again.code, was === 'before' ? 0 : 2, `${where}: ${again.stderr}`);
  if (was === 'after') t.regex(again.stderr, /rewritten before/, where);
  t.deepEqual(picture(source), after, where);
  t.deepEqual(fs.readdirSync(directory), ['ckpt'], `${where}: something was left behind`);
  return { was, again };
}

test.serial('in place, the directory is as before or as after, whichever call is the last', async (t) => {
  t.timeout(TIMEOUT_MS);
  const undisturbed = await undisturbedInPlace(t);
  const seen = { before: 0, after: 0 };
  await inDirectories(t, numbersTo(undisturbed.calls.length, POINTS), async (n, directory) => {
    const source = arrange(directory);
    const { signal } = await killAt(n, rewriteOf(source, '--in-place'));
    const where = `killed before call ${n}, ${undisturbed.calls[n - 1]}`;
    t.is(signal, 'SIGKILL', where);
    const { was } = await checkInPlace(t, source, undisturbed, where);
    seen[was] += 1;
  });
  t.true(seen.before > 0 && seen.after > 0, JSON.stringify(seen));
});

test.serial('in place, the directory is as before or as after, whenever the command is killed', async (t) => {
  t.timeout(TIMEOUT_MS);
  const undisturbed = await undisturbedInPlace(t);
  const seen = { before: 0, after: 0 };
  let usual = (await leftAlone(rewriteOf(arrange(temporaryDirectory(t)), '--in-place'))).milliseconds;
  const random = randomFrom(SEED);
  await inDirectories(t, numbersTo(RANDOM_KILLS, RANDOM_KILLS), async (n, directory) => {
    const source = arrange(directory);
    // Spread over the whole run, which takes longer where the machine has other work.
    const delay = (usual * (n - random())) / RANDOM_KILLS;
    // Now and then it dies alone, and what it has started goes on.
    const who = n % 4 === 0 ? 'leader' : 'group';
    const { code, signal, milliseconds } = await killAfter(delay, who, rewriteOf(source, '--in-place'));
    const where = `${who} killed after ${delay.toFixed(1)} of ${usual.toFixed(1)} ms (${signal})`;
    if (signal === null) t.is(code, 0, where);
    const { was, again } = await checkInPlace(t, source, undisturbed, where);
    seen[was] += 1;
    if (signal === null) usual += (milliseconds - usual) / 4;
    else if (was === 'before') usual += (again.milliseconds - usual) / 16;
  });
  t.true(seen.before > 0 && seen.after > 0, JSON.stringify(seen));
});
