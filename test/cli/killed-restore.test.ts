import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { type Counted, countWrites, killAt, leftAlone } from '../support/at-call';
import { bin, top } from '../support/command';
import { atDepth, numbersTo } from '../support/depth';
import { snapshot, temporaryDirectory } from '../support/directories';
import { inDirectories } from '../support/in-directories';
import { build } from '../support/native';

/** Whatever call of `fdgraft restore` is the last: the images are as before, and the next start removes what was left. */

const POINTS = atDepth(6, 400);
const TIMEOUT_MS = 300_000;
/** It removes the directory of its start, whose name is random. */
const OF_THE_KEEPER = /^unlinkat .*\/fdgraft\/[0-9a-f]{32}(\/|$)/;
const isRoot = process.geteuid?.() === 0;

test.before(() => {
  build();
});

/** A checkpoint, a criu that restores nothing, and a place for what is there while the system runs. */
function arrange(directory: string): void {
  fs.cpSync(path.join(top, 'fixtures/images/many_tasks'), path.join(directory, 'ckpt'), { recursive: true });
  for (const name of ['bin', 'run']) fs.mkdirSync(path.join(directory, name));
  fs.writeFileSync(path.join(directory, 'bin/criu'), '#!/bin/sh\necho restored\n', { mode: 0o755 });
}

/** Root's place is /run, which others use, too. */
function restoreIn(directory: string): [string, ...string[]] {
  const words = [process.execPath, bin, 'restore', '-D', 'ckpt', '--inherit-fd', 'fd[5]:/dev/null'];
  const env = ['env', `PATH=${directory}/bin:${process.env.PATH}`, `XDG_RUNTIME_DIR=${directory}/run`];
  const inside = 'cd "$0" && exec "$@" 5<>/dev/null';
  const start = ['sh', '-ec', isRoot ? `mount --bind "$0/run" /run; ${inside}` : inside, directory, ...env, ...words];
  return (isRoot ? ['unshare', '-m', ...start] : start) as [string, ...string[]];
}

/** What is in the directory once the keeper, which nobody waits for, has ended with its COMMAND. */
async function left(directory: string): Promise<string[]> {
  for (let tries = 0; tries < 1000 && fs.readdirSync(directory).length > 0; tries += 1) await sleep(10);
  return fs.readdirSync(directory);
}

test.serial('the images are as before, and the next start leaves nothing, whichever call is the last', async (t) => {
  t.timeout(TIMEOUT_MS);
  const undisturbed = temporaryDirectory(t);
  arrange(undisturbed);
  const before = snapshot(path.join(undisturbed, 'ckpt'));
  const { calls, code, stdout, stderr } = await countWrites(restoreIn(undisturbed));
  t.deepEqual({ code, stdout }, { code: 0, stdout: 'restored\n' }, stderr);
  t.true(calls.length > 20, calls.join('\n'));
  t.deepEqual(await left(path.join(undisturbed, 'run/fdgraft')), []);
  const found = { nothing: 0, something: 0 };
  const kill = async (n: number, directory: string): Promise<Counted> => {
    arrange(directory);
    return killAt(n, restoreIn(directory));
  };
  await inDirectories(t, numbersTo(calls.length, POINTS), async (n, directory) => {
    const { signal, code, calls } = await kill(n, directory);
    const last = calls[n - 1] ?? '';
    const where = `killed before call ${n}, ${last}`;
    // The keeper has a session of its own, and its calls come at any time after the end of criu.
    if (signal === null && OF_THE_KEEPER.test(last)) t.is(code, 0, where);
    else t.is(signal, 'SIGKILL', where);
    const run = path.join(directory, 'run/fdgraft');
    const names = fs.existsSync(run) ? fs.readdirSync(run) : [];
    found[names.length === 0 ? 'nothing' : 'something'] += 1;
    t.deepEqual(snapshot(path.join(directory, 'ckpt')), before, where);
    const again = await leftAlone(restoreIn(directory));
    t.deepEqual({ code: again.code, stdout: again.stdout }, { code: 0, stdout: 'restored\n' }, again.stderr);
    t.deepEqual(await left(run), [], `${where}: something was left behind`);
    t.deepEqual(snapshot(path.join(directory, 'ckpt')), before, where);
  });
  t.true(found.something > 0, JSON.stringify(found));
});
