import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Counted, countWrites, killAfter, killAt, killWhen, leftAlone } from '../support/at-call';
import { putCheckpoint, runBin, SPEC, sendSignal } from '../support/batch';
import { bin } from '../support/command';
import { atDepth, numbersTo } from '../support/depth';
import { snapshot, temporaryDirectory } from '../support/directories';
import { randomFrom } from '../support/random';

/** Whatever call of a batch is the last, and whatever moment: run again, it makes what an undisturbed run makes. */

const RANDOM_KILLS = atDepth(8, 50);
const POINTS = atDepth(6, 40);
const CHECKPOINTS = 48;
const SEED = 1;
const TIMEOUT_MS = 300_000;

function arrange(t: ExecutionContext, count: number): string {
  const directory = fs.realpathSync(temporaryDirectory(t));
  for (let i = 0; i < count; i += 1) putCheckpoint(path.join(directory, `ck/${i % 3}/${i}`));
  return directory;
}

/** The command that makes `out`, a directory of `directory`. */
function batchOf(directory: string, out: string, ...more: string[]): [string, ...string[]] {
  const words = [
    'batch',
    'rewrite',
    path.join(directory, 'ck/**'),
    '--base',
    directory,
    '-o',
    path.join(directory, out),
  ];
  return [process.execPath, bin, ...words, '--inherit-fd', SPEC, ...more];
}

/** How many outputs are there, what is being made aside. */
function countOutputs(out: string): number {
  try {
    const names = fs.readdirSync(path.join(out, 'ck')).flatMap((part) => fs.readdirSync(path.join(out, 'ck', part)));
    return names.filter((name) => /^\d+$/.test(name)).length;
  } catch {
    return 0;
  }
}

type Picture = ReadonlyMap<string, string>;

/** All of it, what the batch notes for itself and what should not be there included. */
function picture(root: string): Picture {
  const all = new Map(Object.entries(snapshot(root)));
  for (const name of fs.readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!all.has(name)) all.set(name, 'a directory');
  }
  return all;
}

/** What is not the same in both, shortly. */
function differences(found: Picture, wanted: Picture): string[] {
  const names = [...new Set([...found.keys(), ...wanted.keys()])];
  return names.flatMap((name) =>
    found.get(name) === wanted.get(name) ? [] : [`${name}: ${found.get(name)}, not ${wanted.get(name)}`],
  );
}

const OUTPUT = /^ck\/\d+\/\d+(?=\/|$)/;

/** Sees to it that outputs are whole where they are there at all. Returns how many are. */
function checkWholes(t: ExecutionContext, out: string, whole: Picture, where: string): number {
  if (!fs.existsSync(out)) return 0;
  const found = new Map([...picture(out)].filter(([name]) => OUTPUT.test(name)));
  const made = new Set([...found.keys()].map((name) => OUTPUT.exec(name)?.[0]));
  const wanted = new Map([...whole].filter(([name]) => made.has(OUTPUT.exec(name)?.[0])));
  t.deepEqual(differences(found, wanted), [], where);
  return made.size;
}

/** A batch does not make the same number of calls each time, so the last ones may not be reached. */
function wasKilled(t: ExecutionContext, n: number, { signal, calls, stderr }: Counted, where: string): void {
  t.true(signal === 'SIGKILL' || calls.length < n, `${where}: ${signal}, ${calls.length} calls\n${stderr}`);
}

test.serial('whichever call is the last, the same again makes the same', async (t) => {
  t.timeout(TIMEOUT_MS);
  const directory = arrange(t, 2);
  const { calls, code, stderr } = await countWrites(batchOf(directory, 'whole'));
  t.is(code, 0, stderr);
  const whole = picture(path.join(directory, 'whole'));
  for (const n of numbersTo(calls.length, POINTS)) {
    const where = `killed before call ${n}, ${calls[n - 1]}`;
    wasKilled(t, n, await killAt(n, batchOf(directory, 'out')), where);
    checkWholes(t, path.join(directory, 'out'), whole, where);
    const again = await leftAlone(batchOf(directory, 'out', '--resume'));
    t.is(again.code, 0, `${where}: ${again.stderr}`);
    t.deepEqual(differences(picture(path.join(directory, 'out')), whole), [], where);
    fs.rmSync(path.join(directory, 'out'), { recursive: true });
  }
});

test.serial(
  'what is made again is the old or the new one or not there, and the same again makes the new one',
  async (t) => {
    t.timeout(TIMEOUT_MS);
    const directory = arrange(t, 1);
    const out = path.join(directory, 'out');
    const other = ['--drop-in-flight'];
    for (const root of ['out', 'whole']) await leftAlone(batchOf(directory, root));
    const old = picture(out);
    const { calls, code, stderr } = await countWrites(batchOf(directory, 'whole', ...other));
    t.is(code, 0, stderr);
    const whole = picture(path.join(directory, 'whole'));
    for (const n of numbersTo(calls.length, POINTS)) {
      const where = `killed before call ${n}, ${calls[n - 1]}`;
      wasKilled(t, n, await killAt(n, batchOf(directory, 'out', ...other)), where);
      checkWholes(t, out, whole, where);
      const again = await leftAlone(batchOf(directory, 'out', ...other));
      t.is(again.code, 0, `${where}: ${again.stderr}`);
      t.deepEqual(differences(picture(out), whole), [], where);
      t.is((await leftAlone(batchOf(directory, 'out'))).code, 0);
      t.deepEqual(differences(picture(out), old), [], where);
    }
  },
);

test.serial('whenever it is killed, the same again makes the same', async (t) => {
  t.timeout(TIMEOUT_MS);
  const directory = arrange(t, CHECKPOINTS);
  const { code, stderr, milliseconds } = await leftAlone(batchOf(directory, 'whole', '--jobs', '2'));
  t.is(code, 0, stderr);
  const whole = picture(path.join(directory, 'whole'));
  const out = path.join(directory, 'out');
  let usual = milliseconds;
  const random = randomFrom(SEED);
  for (let n = 1; n <= RANDOM_KILLS; n += 1) {
    // Spread over the whole run, which takes longer where the machine has other work.
    const delay = (usual * (n - random())) / RANDOM_KILLS;
    // Now and then the workers live on for a moment, and the next run begins beside them.
    const who = n % 3 === 0 ? 'leader' : 'group';
    const run = batchOf(directory, 'out', '--jobs', n % 2 === 0 ? '1' : '2');
    const started = performance.now();
    const wasKilled =
      who === 'group' ? (await killAfter(delay, who, run)).signal !== null : await killLeader(delay, run);
    const where = `${who} killed after ${delay.toFixed(1)} of ${usual.toFixed(1)} ms`;
    if (!wasKilled) usual += (performance.now() - started - usual) / 4;
    if (who === 'group') checkWholes(t, out, whole, where);
    const again = await leftAlone(batchOf(directory, 'out', '--jobs', '2'));
    t.is(again.code, 0, `${where}: ${again.stderr}`);
    t.deepEqual(differences(picture(out), whole), [], where);
    fs.rmSync(out, { recursive: true });
  }
});

test.serial('killed when some outputs are there, the same again makes the rest', async (t) => {
  t.timeout(TIMEOUT_MS);
  const directory = arrange(t, CHECKPOINTS);
  const out = path.join(directory, 'out');
  t.is((await leftAlone(batchOf(directory, 'whole'))).code, 0);
  const whole = picture(path.join(directory, 'whole'));
  let count: number;
  do {
    // Once more if the batch was faster than the look at its outputs.
    fs.rmSync(out, { recursive: true, force: true });
    await killWhen(() => countOutputs(out) > 0, batchOf(directory, 'out', '--jobs', '2'));
    count = checkWholes(t, out, whole, 'killed');
  } while (count === CHECKPOINTS);
  t.true(count > 0);
  const again = await leftAlone(batchOf(directory, 'out', '--jobs', '2'));
  t.is(again.code, 0, again.stderr);
  t.deepEqual(differences(picture(out), whole), []);
});

/** Kills the process that was started, and not what it started. Resolves when it is gone, which the others may not be. */
function killLeader(delay: number, [program, ...args]: [string, ...string[]]): Promise<boolean> {
  const child = spawn(program, args, { stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), delay);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (_code, signal) => {
      clearTimeout(timer);
      resolve(signal !== null);
    });
  });
}

test.serial('a signal stops the workers too, and leaves what is whole and nothing else', async (t) => {
  t.timeout(TIMEOUT_MS);
  const directory = arrange(t, CHECKPOINTS);
  const [, bin, ...args] = batchOf(directory, 'whole', '--jobs', '2');
  await runBin(bin as string, args, { cwd: directory });
  const whole = picture(path.join(directory, 'whole'));
  for (const [signal, least] of [
    ['SIGTERM', 1],
    ['SIGINT', 16],
  ] as const) {
    const [, , ...again] = batchOf(directory, signal, '--jobs', '2');
    const out = path.join(directory, signal);
    let timer: NodeJS.Timeout | undefined;
    const onStart = (pid: number) => {
      timer = setInterval(() => {
        if (countOutputs(out) < least) return;
        clearInterval(timer);
        sendSignal(pid, signal);
      }, 5);
    };
    const ended = await runBin(bin as string, again, { cwd: directory, onStart });
    clearInterval(timer);
    // Where it was faster than the signal, there is nothing to see.
    if (ended.signal === null) continue;
    t.is(ended.signal, signal);
    t.regex(ended.stderr, /the same command again goes on from here\n$/);
    checkWholes(t, out, whole, signal);
    const all = fs.readdirSync(out, { recursive: true, encoding: 'utf8' });
    t.deepEqual(
      all.filter((name) => /\.fdgraft-\d|\.aside/.test(name)),
      [],
      signal,
    );
  }
});
