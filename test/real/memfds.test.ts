/** Memory by memfd_create that tasks have mapped, from the caller's files. */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { compileProgram } from './support/compile';
import { restoreGiven } from './support/given';
import { CriuFailure, type Lab, type Program, type Restored } from './support/lab';
import { realTest } from './support/real-test';

const PAGE = 4096;

/** A file of two pages of one character, as a word for give.c. */
function given(lab: Lab, fd: number, content: string): string {
  const file = path.join(lab.directory(), 'given');
  fs.writeFileSync(file, content.repeat(2 * PAGE));
  return `${fd}=file:2:${file}`;
}

const fileOf = (word: string) => word.replace(/^.*:/, '');

/** Has each task tell the first bytes of the pages that it has mapped, and checks them. */
async function sees(
  t: ExecutionContext,
  { pid, directory }: Program,
  { tasks }: Restored,
  bytes: string,
): Promise<void> {
  for (const task of [pid, pid + 1]) {
    const file = path.join(directory, `read.${task}.seen`);
    fs.rmSync(file, { force: true });
    await tasks.signal(task, 'SIGUSR2');
    t.is(fs.readFileSync(file, 'utf8'), bytes);
  }
}

realTest('mapped memory is that of the caller, one for all tasks', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('memfds'));
  const dump = await lab.dump(program);
  const give = [given(lab, 5, 'B'), given(lab, 7, 'b'), given(lab, 8, '1')];
  const specs = ['fd[5]:/memfd:board', 'fd[7]:/memfd:sealed', 'fd[8]:/memfd:hidden'];
  const restored = await restoreGiven(lab, dump, { specs, give });
  // The page that a task had written to privately is its own still.
  await sees(t, program, restored, 'BBBzb11');
  for (const task of [program.pid, program.pid + 1]) await restored.tasks.signal(task, 'SIGUSR1');
  await sees(t, program, restored, 'CCCzb11');
  const board = fs.readFileSync(fileOf(give[0] as string), 'latin1');
  t.deepEqual([board[0], board[PAGE], board[1]], ['C', 'C', 'B']);
  for (const task of [program.pid, program.pid + 1]) {
    const fds = restored.tasks.fds(task);
    t.deepEqual(
      [5, 6, 7].map((fd) => fds.get(fd)?.target),
      [give[0], give[0], give[1]].map((word) => fileOf(word as string)),
    );
    const maps = fs.readFileSync(`/proc/${restored.tasks.hostPid(task)}/maps`, 'utf8');
    for (const word of give) t.true(maps.includes(fileOf(word)), word);
    t.false(maps.includes('/memfd:'), maps);
  }
});

realTest('a memfd without descriptors is mapped from the caller, and the others are as they were', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('memfds'));
  const dump = await lab.dump(program);
  const give = [given(lab, 8, '1')];
  const restored = await restoreGiven(lab, dump, { specs: ['fd[8]:/memfd:hidden'], give });
  await sees(t, program, restored, 'AAAza11');
});

realTest('without the executor the restore of mapped memory fails', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('memfds'));
  const dump = await lab.dump(program);
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: ['fd[8]:/memfd:hidden'], out });
  const error = await t.throwsAsync(lab.restore(out), { instanceOf: CriuFailure });
  t.regex(error?.log ?? '', /Can't create memfd:fdgraft\.1: Invalid argument/);
});
