import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { diff, openSource, readPlanOf, rewrite } from '../../../src';
import { askedIn, inputOf, mutatedAsked } from '../checkpoints';
import { kindOf, outcomeOf } from '../outcome';
import { freshCheckpoint, knownCheckpoints } from '../seeds';
import { expect, type Input, type Target } from '../target';
import { WorkRoom, writeFiles } from '../work-room';

/** How the executor ended: its status, and what it said. */
export interface Checked {
  readonly status: number | null;
  readonly stderr: string;
}
/** Runs `fdgraft-exec --check`, with these numbers open. */
export type CheckPlan = (out: string, fds: readonly number[]) => Checked;

const EXECUTOR = path.join(__dirname, '../../../native/build/fdgraft-exec');
const FITS = 0;
const DOES_NOT_FIT = 100;
const MOST_FDS = 250;

function checkPlan(out: string, fds: readonly number[]): Checked {
  const stdio: (number | 'ignore' | 'pipe')[] = ['ignore', 'ignore', 'pipe'];
  for (const fd of fds) if (fd > 2) stdio[fd] = NULL_DEVICE;
  const filled = Array.from(stdio, (one) => one ?? 'ignore');
  const { status, stderr } = spawnSync(EXECUTOR, ['--plan', out, '--check'], { stdio: filled, encoding: 'utf8' });
  return { status, stderr };
}

const NULL_DEVICE = fs.openSync('/dev/null', 'r+');

/** What a user does one after the other: rewrite, diff with the plan, and the check of the executor, which reads the plan in C. */
export function sequenceTarget(check: CheckPlan = checkPlan): Target {
  const room = new WorkRoom();
  return {
    name: 'sequence',
    share: 5,
    seeds: () => knownCheckpoints().map(inputOf),
    make: (random, pick) => (random.chance(50) ? inputOf(freshCheckpoint(random)) : mutatedAsked(pick(), random, pick)),
    check: async (input) => {
      const place = room.enter();
      try {
        return await checkIn(place, input, check);
      } finally {
        room.leave(place);
      }
    },
    close: () => room.close(),
  };
}

async function checkIn(place: string, input: Input, check: CheckPlan): Promise<string> {
  const { files, specs } = askedIn(input);
  const [source, out] = [path.join(place, 'source'), path.join(place, 'out')];
  writeFiles(source, files);
  const rewritten = await outcomeOf('rewrite', async () =>
    rewrite(await openSource(source), { specs, out, allowUnmatched: true, dropInFlight: true }),
  );
  if (rewritten.value === undefined) return kindOf(rewritten, () => '');
  const { placeholders, debugs } = rewritten.value.plan;
  const result = await outcomeOf('diff with the plan', async () =>
    diff(await openSource(source), await openSource(out), { plan: await readPlanOf(out) }),
  );
  result.value?.close();
  expect((result.value?.unexplained ?? 0) === 0, () => `${result.value?.unexplained} unexplained`);
  const fds = [...placeholders, ...debugs].map(({ caller_fd }) => caller_fd);
  if (fds.some((fd) => fd > MOST_FDS)) return 'numbers that few processes have';
  const { status, stderr } = check(out, fds);
  const about = () => `the executor: status ${status}, ${stderr}`;
  expect(status === FITS || status === DOES_NOT_FIT, about);
  expect(!/plan.*(damaged|cannot be used|newer)|Sanitizer/.test(stderr), about);
  const lines = stderr.split('\n').filter((line) => line !== '');
  expect(status === FITS || lines.length > 0, about);
  for (const line of lines) expect(line.startsWith('fdgraft-exec: '), about);
  return `${status} ${[...new Set(lines.map((line) => line.replace(/\S*[^a-z\s]\S*/g, '#')))].sort().slice(0, 3).join(' ')}`;
}
