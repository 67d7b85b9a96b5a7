import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { helper } from '../support/native';
import { processesWith } from '../support/processes';
import { until } from '../support/until';
import { checkedBuild } from './support/checked-build';
import { compileProgram } from './support/compile';
import { criuLock, realCriu } from './support/criu';
import { Fifo } from './support/fifo';
import { descriptor, restoreGrafted } from './support/graft';
import { CriuFailure, type Lab, type Program } from './support/lab';
import { realTest } from './support/real-test';
import { RESTORED as FINISHED, restoreLog } from './support/restore-log';
import { ended } from './support/spawn';
import { standing } from './support/standing';

/** The keeper of the caller fds with a real CRIU: in every place where it can come to stand, and what is left of it. */

/** O_WRONLY, O_CREAT and O_APPEND, as give takes them. */
const APPEND = '2101';
const EXEC = path.join(checkedBuild(), 'fdgraft-exec');

/** In the environment of all that the tests of this file start. */
const MARK = 'FDGRAFT_TEST_HANDOVER';
process.env[MARK] = String(process.pid);

/** What stands in the directory of the sockets, without what stood there before the test. */
function left(before: readonly string[]): string[] {
  return standing().filter((name) => !before.includes(name));
}

/** A program that writes into a pipe from outside, dumped and rewritten: its parent's stdout is fd 5 of the caller. */
async function rewritten(lab: Lab, firstPid?: number): Promise<{ program: Program; out: string }> {
  const old = await lab.pipe();
  const options = firstPid === undefined ? {} : { firstPid };
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd }, ...options });
  const dump = await lab.dump(program);
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: [`fd[5]:${old.name}`], out });
  return { program, out };
}

const RESTORED = 'parent 1\nparent 6\nparent 7\n';

realTest('the reader of the caller’s pipe sees its end when the last restored writer ends', async (t, lab) => {
  const before = standing();
  const { program, out } = await rewritten(lab);
  const fifo = new Fifo(lab);
  const { tasks } = await restoreGrafted(lab, out, { callerFds: { 5: fifo.writer } });
  fs.closeSync(fifo.writer);
  t.deepEqual([...tasks.pids().keys()], [program.pid, program.pid + 1], 'no keeper among them');
  t.deepEqual(left(before), []);
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(fifo.read(), RESTORED);
  t.is(fifo.read(), 'waits');
  await tasks.signal(program.pid + 1, 'SIGKILL');
  t.is(fifo.read(), 'waits');
  await tasks.signal(program.pid, 'SIGKILL');
  t.is(fifo.read(), 'end');
});

realTest('300 caller fds', async (t, lab) => {
  const count = 300;
  const program = await lab.startProgram(compileProgram('many_opens'), { args: [String(count)] });
  const numbers = [...program.tasks.fds(program.pid).keys()].filter((fd) => fd > 2).slice(0, count);
  t.is(numbers.length, count);
  const dump = await lab.dump(program);
  const directory = lab.directory();
  const specs = numbers.map((fd, i) => `fd[${10 + i}]:/proc/${program.pid}/fd/${fd}`);
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs, out });
  const caller = numbers.map((_, i) => `${10 + i}=file:${APPEND}:${directory}/${i}`);
  const { tasks } = await lab.restore(out, { prefix: [helper('give'), ...caller, '--', EXEC, '--plan', out, '--'] });
  const fds = tasks.fds(program.pid);
  t.deepEqual(
    numbers.map((fd) => fds.get(fd)?.target),
    numbers.map((_, i) => `${directory}/${i}`),
  );
});

/** criu restore, attached, below fdgraft-exec and these words; the tree ends with the lab. */
async function attached(lab: Lab, out: string, fifo: Fifo, words: readonly string[], args: readonly string[] = []) {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const box = await lab.box();
  const said = lab.scratch();
  const command = [...real.criu, 'restore', '-D', out, '-o', 'restore.log', '-v4', ...args];
  const child = box.spawn([...words, EXEC, '--plan', out, '--', ...command], {
    messages: said.fd,
    fds: { 1: said.fd, 2: said.fd, 5: fifo.writer },
    env: process.env,
    wrap: ['flock', '-o', '-w', '300', '-E', '124', criuLock()],
  });
  const seen = () => `${said.read()}${restoreLog(out).slice(-2000)}`;
  await until(
    'the restore',
    () => {
      if (child.exitCode !== null) throw new Error(`no restore: ${seen()}`);
      return restoreLog(out).includes(FINISHED);
    },
    seen,
  );
  return { box, child };
}

/** Each keeper that a test of this file started, in whatever namespace. */
const keepers = () => processesWith('fdgraft-keeper', `${MARK}=${process.pid}`);

async function speak(t: ExecutionContext, fifo: Fifo, hostPid: number): Promise<void> {
  process.kill(hostPid, 'SIGUSR1');
  let text = '';
  for (let i = 0; i < 500 && text.length < RESTORED.length; i++) {
    const more = fifo.read();
    if (more !== 'waits') text += more;
    else await sleep(20);
  }
  t.is(text, RESTORED);
}

// What is started in a box has pid 2 there, so that the keeper would have 4: a pid that the tree needs.
for (const [title, firstPid, words] of [
  ['attached', undefined, []],
  ['attached, with low pids in the dump', 4, []],
  ['as process 1 of a namespace', undefined, ['unshare', '--pid', '--fork', '--mount-proc']],
  ['as process 1 of a namespace, with low pids in the dump', 3, ['unshare', '--pid', '--fork', '--mount-proc']],
] as const)
  realTest(`criu ${title}`, async (t, lab) => {
    const before = standing();
    const { program, out } = await rewritten(lab, firstPid);
    const fifo = new Fifo(lab);
    const { box, child } = await attached(lab, out, fifo, words);
    t.deepEqual(left(before), []);
    t.deepEqual(keepers(), []);
    const hostPid = box.tasks.hostPid(program.pid);
    t.regex(fs.readlinkSync(`/proc/${hostPid}/fd/1`), /\/fifo$/);
    await speak(t, fifo, hostPid);
    t.is(child.exitCode, null, 'criu waits for the tree');
    for (const pid of [program.pid + 1, program.pid]) process.kill(box.tasks.hostPid(pid), 'SIGKILL');
    t.is(await ended(child, 60), 0);
    fs.closeSync(fifo.writer);
  });

realTest('with low pids in the dump, in the background', async (t, lab) => {
  const { program, out } = await rewritten(lab, 4);
  const pipe = await lab.pipe();
  const { tasks } = await restoreGrafted(lab, out, { callerFds: { 5: pipe.writeEnd } });
  t.true(tasks.isOurs(program.pid, 1, pipe.writeEnd));
});

realTest('two restores of one plan at the same time', async (t, lab) => {
  const { program, out } = await rewritten(lab);
  const meeting = lab.directory();
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  // Both keepers are there before either CRIU begins.
  const meet = `touch "$0/$1"; while [ ! -e "$0/begin" ]; do sleep 0.01; done; shift; exec flock -o "$@"`;
  const met = async () => {
    const [a, b, begin] = ['a', 'b', 'begin'].map((name) => path.join(meeting, name)) as [string, string, string];
    await until('both', () => fs.existsSync(a) && fs.existsSync(b));
    t.is(keepers().length, 2);
    fs.writeFileSync(begin, '');
  };
  const start = async (name: string) => {
    const [box, pipe, said] = [await lab.box(), await lab.pipe(), lab.scratch()];
    const criu = [...real.criu, 'restore', '-D', out, '-d', '-o', `${name}.log`, '-v4'];
    const words = [EXEC, '--plan', out, '--', 'sh', '-c', meet, meeting, name, criuLock(), ...criu];
    const child = box.spawn(words, {
      messages: said.fd,
      fds: { 1: said.fd, 2: said.fd, 5: pipe.writeEnd },
      env: process.env,
    });
    const code = await ended(child, 120);
    return { code, pipe, tasks: box.tasks, said: said.read() };
  };
  const restored = Promise.all([start('a'), start('b')]);
  await met();
  for (const { code, pipe, tasks, said } of await restored) {
    t.is(code, 0, said);
    t.true(tasks.isOurs(program.pid, 1, pipe.writeEnd));
    t.is(descriptor(tasks, program.pid + 1, 9).target, pipe.name);
  }
});

realTest('a keeper that is killed before the fetch: CRIU fails, and nothing runs on', async (t, lab) => {
  const before = standing();
  const { out } = await rewritten(lab);
  const pipe = await lab.pipe();
  const killing = `kill -9 $(${helper('peer')} client pid) && exec "$@"`;
  const prefix = [EXEC, '--plan', out, '--', 'sh', '-c', killing, 'sh'];
  const error = await t.throwsAsync(lab.restore(out, { prefix, callerFds: { 5: pipe.writeEnd } }), {
    instanceOf: CriuFailure,
  });
  t.is((error as CriuFailure).exitCode, 1);
  t.regex((error as CriuFailure).log, /Error \(fdgraft\): cannot connect to .*fdgraft-exec or its keeper has ended/);
  t.is(left(before).length, 1);
  // The next start of any plan removes what is left, and the dump is still good.
  await restoreGrafted(lab, out, { callerFds: { 5: pipe.writeEnd } });
  t.deepEqual(left(before), []);
});

realTest('COMMAND that fails before CRIU begins: its code, and no process stays', async (t, lab) => {
  const before = standing();
  const { out } = await rewritten(lab);
  const pipe = await lab.pipe();
  const prefix = [EXEC, '--plan', out, '--', 'sh', '-c', 'exit 42'];
  const error = await t.throwsAsync(lab.restore(out, { prefix, callerFds: { 5: pipe.writeEnd } }), {
    instanceOf: CriuFailure,
  });
  t.is((error as CriuFailure).exitCode, 42);
  t.deepEqual(left(before), []);
  t.deepEqual(keepers(), []);
});

/** fdgraft-exec --serve with a caller fd at 5, when it serves. */
async function serving(out: string, fd: number, command: readonly string[] = []): Promise<ChildProcess> {
  const before = standing();
  const words = command.length === 0 ? [] : ['--', ...command];
  const child = spawn(EXEC, ['--plan', out, '--serve', '--timeout', '200', ...words], {
    stdio: ['ignore', 'ignore', 'inherit', 'ignore', 'ignore', fd],
  });
  const registered = () => left(before).find((name) => name.length === 64);
  await until('the socket of --serve', () => registered() !== undefined);
  return child;
}

realTest('a CRIU that somebody else starts fetches from --serve', async (t, lab) => {
  const before = standing();
  const { program, out } = await rewritten(lab);
  const fifo = new Fifo(lab);
  const server = await serving(out, fifo.writer);
  fs.closeSync(fifo.writer);
  const end = once(server, 'exit');
  const { tasks } = await lab.restore(out, { extraArgs: ['-L', checkedBuild()] });
  t.deepEqual(await end, [0, null]);
  t.deepEqual(left(before), []);
  await speak(t, fifo, tasks.hostPid(program.pid));
  for (const pid of [program.pid + 1, program.pid]) await tasks.signal(pid, 'SIGKILL');
  t.is(fifo.read(), 'end');
});

realTest('--serve that is killed after the fetch: what is restored goes on, and nothing is left', async (t, lab) => {
  const before = standing();
  const { program, out } = await rewritten(lab);
  const fifo = new Fifo(lab);
  const started = path.join(lab.directory(), 'pid');
  const server = await serving(out, fifo.writer, ['sh', '-c', 'echo $$ >"$0"; exec sleep 600', started]);
  t.teardown(() => process.kill(Number(fs.readFileSync(started, 'utf8')), 'SIGKILL'));
  fs.closeSync(fifo.writer);
  const { tasks } = await lab.restore(out, { extraArgs: ['-L', checkedBuild()] });
  t.deepEqual([server.exitCode, server.signalCode], [null, null], 'its COMMAND runs');
  const end = once(server, 'exit');
  server.kill('SIGKILL');
  t.deepEqual(await end, [null, 'SIGKILL']);
  t.deepEqual(left(before), []);
  t.deepEqual(keepers(), []);
  await speak(t, fifo, tasks.hostPid(program.pid));
  for (const pid of [program.pid + 1, program.pid]) await tasks.signal(pid, 'SIGKILL');
  t.is(fifo.read(), 'end');
});
