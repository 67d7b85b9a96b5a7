/** Terminals of sessions, restored on those of a caller: judged inside the processes. */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { checkRewritten } from '../support/independent';
import { until } from '../support/until';
import type { Box } from './support/box';
import { checkedBuild } from './support/checked-build';
import { compileHelper, compileProgram } from './support/compile';
import { realCriu } from './support/criu';
import {
  CriuFailure,
  type Lab,
  type Program,
  type Restored,
  type RestoreOptions,
  type StartOptions,
} from './support/lab';
import { PtyHolder } from './support/pty-holder';
import { realTest } from './support/real-test';
import { RESTORED, restoreLog } from './support/restore-log';

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
  {
    terminals = 1,
    words = [],
    before,
    ...start
  }: {
    terminals?: number;
    words?: string[];
    /** Called before the dump; returns what is dumped. */
    before?: (program: Program) => Promise<Program>;
  } & StartOptions = {},
): Promise<Dumped> {
  const old: PtyHolder[] = [];
  for (let i = 0; i < terminals; i++) old.push(await PtyHolder.open(lab));
  const args = [...old.map((holder) => holder.name), ...words];
  const started = await lab.startProgram(compileProgram(name), { ...start, args });
  const program = before === undefined ? started : await before(started);
  // The masters are outside, and CRIU takes one such terminal alone by its path.
  const keys = old.map((holder) => (terminals === 1 ? holder.name : keyOf(holder)));
  const external = keys.flatMap((key) => (terminals === 1 ? ['--shell-job'] : ['--external', key]));
  const dump = await lab.dump(program, { extraArgs: external });
  for (const holder of old) await holder.hangUp();
  const out = path.join(lab.directory(), 'out');
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
  const prefix = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--'];
  return lab.restore(out, { callerFds, prefix, ...options });
}

type Tasked = Pick<Restored, 'tasks'>;

/** What a task reports when it is asked, the last lines of it. */
async function told({ directory }: Program, { tasks }: Tasked, task: number, about = 'terminal'): Promise<string[]> {
  const file = path.join(directory, `read.${task}.${about}`);
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

realTest('stdout goes to a pipe or to another terminal, and the session stays with the rest', async (t, lab) => {
  const old = await PtyHolder.open(lab);
  const program = await lab.startProgram(compileProgram('terminal'), { args: [old.name] });
  const tasks = [0, 1, 2].map((n) => program.pid + n) as [number, number, number];
  const dump = await lab.dump(program, { extraArgs: ['--shell-job'] });
  const single = (fd: number, key: string) => ({ inherit: `fd[${fd}]:${key}`, only: true });
  const out = path.join(lab.directory(), 'out');
  const specs = [
    single(6, `/proc/${tasks[0]}/fd/1`),
    ...tasks.slice(1).map((pid) => single(7, `/proc/${pid}/fd/1`)),
    `fd[5]:${old.name}`,
  ];
  await rewrite(await openSource(dump), { specs, out });
  t.deepEqual(checkRewritten(dump, out), []);
  const [holder, other] = [await PtyHolder.open(lab, 50, 132), await PtyHolder.open(lab)] as const;
  const pipe = await lab.pipe();
  const flags = fs.constants.O_RDWR | fs.constants.O_NOCTTY;
  const callerFds = { 5: lab.open(holder.name, flags), 6: pipe.writeEnd, 7: lab.open(other.name, flags) };
  const prefix = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--'];
  const back = await lab.restore(out, { callerFds, prefix });
  for (const [i, task] of tasks.entries()) {
    const targets = [0, 1, 2, 5].map((fd) => back.tasks.fds(task).get(fd)?.target);
    t.deepEqual(targets, [holder.name, i === 0 ? targets[1] : other.name, holder.name, holder.name]);
    t.regex((await told(program, back, task))[0] ?? '', /^pgrp \d+ sid \d+ tty open size 50x132 echo off /);
    await back.tasks.signal(task, 'SIGUSR1');
  }
  t.is(pipe.drain().toString(), 'leader\n');
  await other.until(/^background\r\nforeground\r\n$/);
  t.is(holder.output, '');
});

realTest('all descriptors go to files, and the session runs on without a terminal', async (t, lab) => {
  const old = await PtyHolder.open(lab);
  const program = await lab.startProgram(compileProgram('terminal'), { args: [old.name] });
  const tasks = [0, 1, 2].map((n) => program.pid + n);
  const single = (fd: number, at: number) => ({ inherit: `fd[${fd}]:/proc/*/fd/${at}`, only: true });
  const specs = [single(5, 0), single(6, 1), single(6, 2), single(7, 5)];
  const dump = await lab.dump(program, { extraArgs: ['--shell-job'] });
  await old.hangUp();
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs, out });
  t.deepEqual(checkRewritten(dump, out), []);
  const file = path.join(lab.directory(), 'file');
  fs.writeFileSync(file, '');
  const none = lab.open('/dev/null', fs.constants.O_RDWR);
  const callerFds = { 5: none, 6: lab.open(file, fs.constants.O_RDWR | fs.constants.O_APPEND), 7: none };
  const prefix = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--'];
  const back = await lab.restore(out, { callerFds, prefix });
  for (const task of tasks) {
    t.deepEqual(
      [0, 1, 2, 5].map((fd) => back.tasks.fds(task).get(fd)?.target),
      ['/dev/null', file, file, '/dev/null'],
    );
    await back.tasks.signal(task, 'SIGUSR1');
    // Field 7 is the controlling terminal.
    const stat = fs.readFileSync(`/proc/${back.tasks.hostPid(task)}/stat`, 'latin1').replace(/^.*\) /s, '');
    t.is(stat.split(' ')[4], '0');
  }
  t.is(fs.readFileSync(file, 'utf8'), 'leader\nbackground\nforeground\n');
});

/** Dumps a program, rewrites it for one file of the caller's, and restores it with that. */
async function restoredOnFile(t: ExecutionContext, lab: Lab, program: Program, specs: string[]) {
  const dump = await lab.dump(program, { extraArgs: ['--shell-job'] });
  const out = path.join(lab.directory(), 'out');
  const { plan } = await rewrite(await openSource(dump), { specs, out });
  t.deepEqual(checkRewritten(dump, out), []);
  const file = path.join(lab.directory(), 'file');
  fs.writeFileSync(file, '');
  const prefix = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--'];
  const { tasks } = await lab.restore(out, { callerFds: { 5: lab.open(file, fs.constants.O_RDWR) }, prefix });
  await tasks.signal(program.pid, 'SIGUSR1');
  return { plan, tasks, file };
}

realTest('a terminal that was hung up before the dump goes to any file', async (t, lab) => {
  const old = await PtyHolder.open(lab);
  const program = await lab.startProgram(compileProgram('terminal'), { args: [old.name] });
  await old.hangUp();
  const { plan, tasks, file } = await restoredOnFile(t, lab, program, [`fd[5]:${old.name}`]);
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['TERMINAL_NOT_CONTROLLING'],
  );
  t.is(fs.readFileSync(file, 'utf8'), 'leader\n');
  for (const fd of [0, 1, 2, 5]) t.is(tasks.fds(program.pid + 1).get(fd)?.target, file);
});

realTest('a master whose other end is outside goes to any file', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('master'));
  const { tasks, file } = await restoredOnFile(t, lab, program, ['fd[5]:/dev/ptmx']);
  t.is(tasks.fds(program.pid).get(5)?.target, file);
  t.is(fs.readFileSync(file, 'utf8'), 'task\n');
});

realTest('a master that alone kept a controlling terminal leaves its session without one', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('lone_master'));
  const { plan, file } = await restoredOnFile(t, lab, program, ['fd[5]:/dev/ptmx']);
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['TERMINAL_NOT_CONTROLLING'],
  );
  t.is(fs.readFileSync(file, 'utf8'), 'none\n');
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

/** The state of a task as ps shows it, and + if its group has the foreground. */
function stateOf({ tasks }: Tasked, pid: number): string | undefined {
  const hostPid = tasks.pids().get(pid);
  if (hostPid === undefined) return undefined;
  const stat = fs.readFileSync(`/proc/${hostPid}/stat`, 'latin1');
  const [state, , group, , , foreground] = stat.replace(/^.*\) /s, '').split(' ');
  return `${state}${group === foreground ? '+' : ''}`;
}

/** Waits for the end of a restore that a shell runs. */
function finished(out: string, what: string): Promise<void> {
  return until(what, () => restoreLog(out).includes(what));
}

function reach(box: Tasked, pid: number, state: string | undefined): Promise<void> {
  return until(
    `${pid} in state ${state}`,
    () => stateOf(box, pid) === state,
    () => `it is ${stateOf(box, pid)}`,
  );
}

const PROMPT = 'ready> ';

/** An interactive shell on a new terminal. */
async function shell(
  lab: Lab,
): Promise<{ box: Box; holder: PtyHolder; pid: number; run(line: string): Promise<number> }> {
  const [box, holder] = [await lab.box(), await PtyHolder.open(lab, 50, 132)];
  const fd = lab.open(holder.name, fs.constants.O_RDWR | fs.constants.O_NOCTTY);
  box.spawn(['setsid', '-c', 'bash', '--norc', '--noprofile', '--noediting', '-i'], {
    ...{ messages: fd, fds: { 0: fd, 1: fd, 2: fd } },
    env: { PATH: process.env.PATH, HOME: '/', PS1: PROMPT },
  });
  await holder.until(new RegExp(PROMPT));
  // Resolves to where its output begins.
  const run = async (line: string) => {
    const start = holder.output.length;
    await holder.type(`${line}\r`);
    return start;
  };
  const [pid] = [...box.tasks.pids().keys()] as [number];
  return { box, holder, pid, run };
}

/** A job of a shell that is not dumped. Its root is 14717; 14719 has the foreground, unless the root has. */
async function job(t: ExecutionContext, lab: Lab, rootHasForeground: boolean): Promise<Dumped & { line: string }> {
  const one = await dumped(t, lab, 'terminal', {
    words: ['job'],
    before: async (program) => {
      const root = program.pid + 1;
      if (rootHasForeground) await program.tasks.signal(root, 'SIGUSR1');
      return { ...program, pid: root, dumpPid: root };
    },
  });
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const criu = [...real.criu, 'restore', '-D', one.out, '-o', 'restore.log', '-v4', '--shell-job'];
  return {
    ...one,
    line: `${[path.join(checkedBuild(), 'fdgraft-exec'), '--plan', one.out, '--', ...criu].join(' ')} 5<>/dev/tty`,
  };
}

realTest('a session that lives keeps its terminal, though it cannot be seen from where criu runs', async (t, lab) => {
  const one = await dumped(t, lab, 'terminal');
  const { box, holder, run } = await shell(lab);
  const flags = fs.constants.O_RDWR | fs.constants.O_NOCTTY;
  // Asked before by the launcher, and by what comes later: the plugin alone.
  const failure = await t.throwsAsync(restored(lab, one, [holder]), { instanceOf: CriuFailure });
  t.regex(failure?.output ?? '', /caller fd 5 is the terminal of a living session, and session 14716 /);
  const free = await PtyHolder.open(lab);
  const late = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', one.out, '--'];
  const hold = ['sh', '-c', 'setsid -c sh -c "echo held; exec sleep 1000" <"$0" >"$0" & sleep 1; exec "$@"', free.name];
  const lost = await t.throwsAsync(
    lab.restore(one.out, { callerFds: { 5: lab.open(free.name, flags) }, prefix: [...late, ...hold] }),
    { instanceOf: CriuFailure },
  );
  t.regex(
    lost?.log ?? '',
    /Error \(fdgraft\): caller fd 5 is the terminal of another session that is alive, .* give a terminal that no session has/,
  );
  await run('echo $(tty) $((6 * 7))');
  await holder.until(new RegExp(`\\n${holder.name} 42\\r\\n`));
  t.truthy(box);
});

realTest('a job of a shell: foreground, ^Z, bg, fg, ^C, and the shell has its terminal back', async (t, lab) => {
  const { program, line } = await job(t, lab, true);
  const root = program.pid;
  const { box, holder, pid, run } = await shell(lab);
  await run(line);
  await reach(box, root, 'S+');
  t.regex(
    (await told(program, box, root))[0] ?? '',
    new RegExp(`^pgrp ${root} sid \\d+ tty open size 50x132 echo off .* ttin 0$`),
  );
  t.regex((await told(program, box, root + 1))[0] ?? '', new RegExp(`^pgrp ${root} .* ttin 1$`));
  let from = holder.output.length;
  await holder.type('\x1a');
  await holder.until(/Stopped .*ready> $/s, from);
  t.is(stateOf(box, root), 'T');
  from = await run('bg');
  await reach(box, root, 'S');
  await holder.until(/ready> $/, from);
  await run('fg');
  await reach(box, pid, 'S');
  // The shell has told nobody of fg.
  from = holder.output.length;
  await holder.type('\x1a');
  await holder.until(/Stopped .*ready> $/s, from);
  await run('fg');
  await reach(box, root, 'S+');
  from = holder.output.length;
  await holder.type('\x03');
  await reach(box, root, undefined);
  await holder.until(/ready> $/, from);
  from = await run('echo $((6 * 7))');
  await holder.until(/\n42\r\nready> $/, from);
});

realTest('a job of a shell with the foreground in another group than its root', async (t, lab) => {
  const { program, line } = await job(t, lab, false);
  const { box, holder, run } = await shell(lab);
  const from = await run(line);
  await reach(box, program.pid + 2, 'S+');
  await box.tasks.signal(program.pid + 2, 'SIGUSR1');
  await holder.until(/foreground\r\n/, from);
  for (const task of [program.pid + 2, program.pid + 1, program.pid]) await box.tasks.signal(task, 'SIGKILL');
  await holder.until(/ready> $/, from);
});

realTest('a job of a shell whose restore fails, and one in the background', async (t, lab) => {
  const { program, out, line } = await job(t, lab, true);
  const { box, holder, run } = await shell(lab);
  let from = await run('stty -a');
  const [settings] = await holder.until(/speed .*?(?=ready> $)/s, from);
  const [pages, away] = ['pages-1.img', 'away'].map((name) => path.join(out, name)) as [string, string];
  fs.renameSync(pages, away);
  from = await run(line);
  await holder.until(/ready> $/, from);
  await finished(out, 'Restoring FAILED');
  fs.renameSync(away, pages);
  from = await run('stty -a');
  t.is((await holder.until(/speed .*?(?=ready> $)/s, from))[0], settings);
  await run(`${line} &`);
  await finished(out, RESTORED);
  from = await run('echo $((6 * 7))');
  await holder.until(/\n42\r\nready> $/, from);
  t.is(stateOf(box, program.pid), 'S');
});
