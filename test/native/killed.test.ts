import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { countWrites, killAfter, killAt, leftAlone } from '../support/at-call';
import { atDepth, numbersTo } from '../support/depth';
import { build, helper } from '../support/native';
import { randomFrom } from '../support/random';
import { file, O, planned, scratch } from './support';

/** Whatever call of fdgraft-exec, its keeper and its plugin is the last, and whatever moment: nothing of it stays. */

const RANDOM_KILLS = atDepth(10, 100);
const POINTS = atDepth(12, 400);
const SEED = 1;
const TIMEOUT_MS = 600_000;
const ENDS_WITHIN_MS = 30_000;

/** The processes that have this in their environment. */
function processesWith(variable: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(variable);
    } catch {
      return false;
    }
  });
}

async function allGone(variable: string): Promise<boolean> {
  for (const end = Date.now() + ENDS_WITHIN_MS; Date.now() < end; await sleep(20)) {
    if (processesWith(variable).length === 0) return true;
  }
  return false;
}

test.serial('whichever call is the last, and whenever it is killed, the next start finds nothing', async (t) => {
  t.timeout(TIMEOUT_MS);
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const runtime = join(scratch(t), 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const mark = `FDGRAFT_TEST=${runtime}`;
  const play = [helper('host'), join(build(), 'fdgraft.so'), dirname(plan), '2', '1'];
  const start: [string, ...string[]] = [
    ...(['env', mark, `XDG_RUNTIME_DIR=${runtime}`, helper('give'), file(5, O.RDONLY, '/dev/null'), '--'] as const),
    ...[join(build(), 'fdgraft-exec'), '--plan', plan, '--', ...play],
  ];
  const directories = () => readdirSync(runtime, { recursive: true, encoding: 'utf8' });
  const { calls, code, stderr, milliseconds } = await countWrites(start);
  t.is(code, 0, stderr);
  t.true(await allGone(mark));
  const kept = directories();
  const isFine = async (where: string) => {
    t.true(await allGone(mark), `${where}: processes are left: ${processesWith(mark).join(' ')}`);
    const again = await leftAlone(start);
    t.is(again.code, 0, `${where}: ${again.stderr}`);
    t.true(await allGone(mark), `${where}: processes of the next start are left`);
    t.deepEqual(directories(), kept, where);
  };
  t.true(calls.length > 4, calls.join('\n'));
  for (const n of numbersTo(calls.length, POINTS)) {
    await killAt(n, start);
    await isFine(`killed before call ${n}, ${calls[n - 1]}`);
  }
  const random = randomFrom(SEED);
  for (let n = 1; n <= RANDOM_KILLS; n += 1) {
    const delay = (milliseconds * (n - random())) / RANDOM_KILLS;
    const who = n % 2 === 0 ? 'leader' : 'group';
    await killAfter(delay, who, start);
    await isFine(`${who} killed after ${delay.toFixed(1)} ms`);
  }
});
