import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSource, rewrite } from '../../src';
import { checkRewritten } from '../support/independent';
import { callerFile } from './support/caller-file';
import { compileHelper } from './support/compile';
import { restoreGrafted } from './support/graft';
import { realTest } from './support/real-test';
import type { Tasks } from './support/tasks';

// A tree whose tasks are born, end, execute and pass bytes on while it is dumped. All of them have the caller's pipe and
// log, whatever the dump met them at, and a pipe of the ring goes by the caller.

/** Of the tasks of the ring, and of those that fork, execute, play with sockets and splice. */
const COUNTERS = 10;
const RING = 6;

async function counters(tasks: Tasks, pid: number, directory: string): Promise<number[]> {
  fs.rmSync(path.join(directory, `read.${pid}.counters`), { force: true });
  await tasks.signal(pid, 'SIGUSR2');
  return tasks.readBy(pid, 'counters').toString().trim().split('\n').map(Number);
}

/** Waits until every counter is above what it was. */
async function goesOn(tasks: Tasks, pid: number, directory: string): Promise<void> {
  const before = await counters(tasks, pid, directory);
  for (let i = 0; i < 1000; i += 1) {
    const now = await counters(tasks, pid, directory);
    if (now.length === COUNTERS && now.every((count, place) => count > (before[place] as number))) return;
    await sleep(20);
  }
  throw new Error(`no progress since ${before}: ${await counters(tasks, pid, directory)}`);
}

for (const round of [1, 2, 3])
  realTest(`a tree that never rests, dump ${round}`, async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileHelper('storm'), { fds: { 1: old.writeEnd } });
    const { pid, directory } = program;
    await goesOn(program.tasks, pid, directory);
    const ring = fs.readlinkSync(`/proc/${program.tasks.hostPid(pid + 1)}/fd/7`);
    const dump = await lab.dump(program);
    const [pipe, log, between] = [await lab.pipe(), callerFile(lab, 'a'), await lab.pipe()];
    const out = path.join(lab.directory(), 'out');
    const specs = [`fd[5]:${old.name}`, `fd[7]:${directory}/log`, `fd[8]:${ring}:write`, `fd[9]:${ring}:read`];
    const { plan } = await rewrite(await openSource(dump), { specs, out });
    t.deepEqual(checkRewritten(dump, out), []);
    const codes = plan.warnings.map(({ code }) => code);
    t.false(codes.includes('IMAGE_MISSING') || codes.includes('NO_DESCRIPTORS'), codes.join(' '));
    const callerFds = { 5: pipe.writeEnd, 7: log.fd, 8: between.writeEnd, 9: between.readEnd };
    const { tasks } = await restoreGrafted(lab, out, { callerFds });
    await goesOn(tasks, pid, directory);
    for (const task of Array.from({ length: RING + 1 }, (_none, i) => pid + i)) {
      t.true(tasks.isOurs(task, 1, pipe.writeEnd), `task ${task}`);
      t.true(tasks.isOurs(task, 5, log.fd), `task ${task}`);
    }
    t.true(tasks.isOurs(pid + 1, 7, between.writeEnd));
    t.true(tasks.isOurs(pid + 2, 6, between.readEnd));
    await tasks.signal(pid, 'SIGUSR1');
    t.is(pipe.drain().toString(), 'storm 1\n');
    t.is(log.text(), 'storm 5\n');
  });
