/** Terminals of sessions, restored on those of a caller: judged inside the processes. */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { checkRewritten } from '../support/independent';
import { build } from '../support/native';
import { compileProgram } from './support/compile';
import type { Lab, Program, Restored, RestoreOptions, StartOptions } from './support/lab';
import { PtyHolder } from './support/pty-holder';
import { realTest } from './support/real-test';

/** CRIU's key of a terminal. */
function keyOf({ name }: PtyHolder): string {
  const { rdev, dev } = fs.statSync(name);
  return `tty[${rdev.toString(16)}:${dev.toString(16)}]`;
}

interface Dumped {
  program: Program;
  /** The rewritten images: fd[5] and so on are what the terminals become. */
  out: string;
}

/** Starts a program on new terminals, dumps it, hangs the terminals up, and rewrites for callers' terminals. */
async function dumped(
  t: ExecutionContext,
  lab: Lab,
  name: string,
  { terminals = 1, words = [], ...start }: { terminals?: number; words?: string[] } & StartOptions = {},
): Promise<Dumped> {
  const old: PtyHolder[] = [];
  for (let i = 0; i < terminals; i++) old.push(await PtyHolder.open(lab));
  const program = await lab.startProgram(compileProgram(name), {
    ...start,
    args: [...old.map((holder) => holder.name), ...words],
  });
  // The masters are outside, and CRIU takes one such terminal alone by its path.
  const keys = old.map((holder) => (terminals === 1 ? holder.name : keyOf(holder)));
  const external = keys.flatMap((key) => (terminals === 1 ? ['--shell-job'] : ['--external', key]));
  const dump = await lab.dump(program, { extraArgs: external });
  for (const holder of old) await holder.hangUp();
  const out = path.join(lab.folder(), 'out');
  await rewrite(await openSource(dump), { specs: keys.map((key, i) => `fd[${5 + i}]:${key}`), out });
  t.deepEqual(checkRewritten(dump, out), []);
  return { program, out };
}

/** Restores on these terminals, at 5 and so on. */
async function restored(
  lab: Lab,
  { out }: Dumped,
  holders: readonly PtyHolder[],
  options: RestoreOptions = {},
): Promise<Restored> {
  const flags = fs.constants.O_RDWR | fs.constants.O_NOCTTY;
  const callerFds = Object.fromEntries(holders.map((holder, i) => [5 + i, lab.open(holder.name, flags)]));
  const prefix = [path.join(build(), 'fdgraft-exec'), '--plan', out, '--'];
  return lab.restore(out, { callerFds, prefix, ...options });
}

/** What a task reports when it is asked, the last lines of it. */
async function told({ folder }: Program, { tasks }: Restored, task: number, about = 'terminal'): Promise<string[]> {
  const file = path.join(folder, `read.${task}.${about}`);
  fs.rmSync(file, { force: true });
  await tasks.signal(task, 'SIGUSR2');
  return fs.readFileSync(file, 'utf8').trim().split('\n');
}

realTest('leader and children have the controlling terminal, and job control works', async (t, lab) => {
  const one = await dumped(t, lab, 'terminal');
  const [leader, background, foreground] = [0, 1, 2].map((n) => one.program.pid + n) as [number, number, number];
  const holder = await PtyHolder.open(lab, 50, 132);
  const back = await restored(lab, one, [holder]);
  const same = `pgrp ${foreground} sid ${leader} tty open size 50x132 echo off`;
  t.regex((await told(one.program, back, leader))[0] ?? '', new RegExp(`^${same} winch \\d hup 0 ttin 0$`));
  // A read in the background.
  t.deepEqual(await told(one.program, back, background), [`${same} winch 0 hup 0 ttin 1`]);
  t.deepEqual(await told(one.program, back, foreground), [`${same} winch 1 hup 0 ttin 0`]);
  for (const task of [leader, background, foreground])
    t.deepEqual(
      [0, 1, 2, 5].map((fd) => back.tasks.fds(task).get(fd)?.target),
      Array(4).fill(holder.name),
    );
  await holder.resize(30, 90);
  for (const task of [leader, background, foreground]) await back.tasks.signal(task, 'SIGUSR1');
  t.is((await holder.until(/^.*foreground\r\n/s))[0], 'leader\r\nbackground\r\nforeground\r\n');
  t.regex((await told(one.program, back, foreground))[0] ?? '', /size 30x90 echo off winch 2 /);
  await holder.hangUp();
  t.regex((await told(one.program, back, leader))[0] ?? '', /hup 1 /);
});

realTest('/dev/tty that is open in leader and children, and a child that takes the foreground', async (t, lab) => {
  const one = await dumped(t, lab, 'terminal', { words: ['own'] });
  const [leader, ...children] = [0, 1, 2].map((n) => one.program.pid + n) as [number, number, number];
  const holder = await PtyHolder.open(lab);
  const back = await restored(lab, one, [holder]);
  t.deepEqual(await told(one.program, back, leader, 'own'), [`6: pgrp ${leader} sid ${leader}`]);
  for (const child of children) {
    await back.tasks.signal(child, 'SIGUSR1');
    const own = `pgrp ${child} sid ${leader}`;
    t.deepEqual(await told(one.program, back, child, 'own'), [`6: ${own}`, `7: ${own}`]);
    t.deepEqual(
      [6, 7, 8].map((fd) => back.tasks.fds(child).get(fd)?.target),
      ['/dev/tty', '/dev/tty', holder.name],
    );
  }
  await holder.until(/background\r\nforeground\r\n/);
});

realTest('in a pid namespace of its own', async (t, lab) => {
  const one = await dumped(t, lab, 'terminal', { namespaces: ['pid'] });
  const holder = await PtyHolder.open(lab);
  const back = await restored(lab, one, [holder], { program: one.program });
  t.is(one.program.pid, 1);
  for (const task of [1, 2, 3])
    t.regex((await told(one.program, back, task))[0] ?? '', /^pgrp 3 sid 1 tty open size 24x80 /);
});

realTest('two sessions on two terminals, each with its children', async (t, lab) => {
  const one = await dumped(t, lab, 'two_sessions', { terminals: 2 });
  const [first, second, left, child] = [0, 1, 2, 3].map((n) => one.program.pid + n) as [number, number, number, number];
  const holders = [await PtyHolder.open(lab), await PtyHolder.open(lab)] as const;
  const back = await restored(lab, one, holders);
  for (const [tasks, session, holder] of [
    [[first, left], first, holders[0]],
    [[second, child], second, holders[1]],
  ] as const)
    for (const task of tasks) {
      t.deepEqual(await told(one.program, back, task), [`pgrp ${session} sid ${session} of ${session} tty open`]);
      t.is(back.tasks.fds(task).get(0)?.target, holder.name);
    }
});
