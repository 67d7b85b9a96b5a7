import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { checkRewritten } from '../support/independent';
import { exec, run } from '../support/native';
import { compileHelper } from './support/compile';
import { restoreGrafted } from './support/graft';
import type { Lab, Program, StartOptions } from './support/lab';
import type { Pipe } from './support/pipe';
import { realTest } from './support/real-test';

/** A task that is not root opens its stdout by its path, as `echo >/dev/stdout` does: what --check says, and what is. */

const EACCES = '13';

interface Grafted {
  program: Program;
  out: string;
  /** What the task found out before the dump. */
  before: string;
}

/** Starts the program with a pipe as stdout that is its own, dumps it, and rewrites the dump for caller fd 5. */
async function prepare(t: ExecutionContext, lab: Lab, args: string[], options: StartOptions): Promise<Grafted> {
  const program = await lab.startProgram(compileHelper('reopens'), { fds: { 1: 'pipe-write' }, args, ...options });
  const old = lab.pipeOf(program, 1);
  await program.tasks.signal(program.pid, 'SIGUSR1');
  const before = lastReport(program);
  const dump = await lab.dump(program);
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: [`fd[5]:${old.name}`], out });
  t.deepEqual(checkRewritten(dump, out), []);
  // Root of another user namespace reads it too.
  for (const directory of [path.dirname(out), out]) fs.chmodSync(directory, 0o755);
  for (const name of fs.readdirSync(out)) fs.chmodSync(path.join(out, name), 0o644);
  return { program, out, before };
}

const lastReport = ({ pid, directory }: Program) =>
  fs
    .readFileSync(path.join(directory, `read.${pid}.reopen`), 'utf8')
    .trim()
    .split('\n')
    .at(-1) ?? '';

/** What the restored task finds out, with that pipe as caller fd 5. */
async function reopened(lab: Lab, { program, out }: Grafted, pipe: Pipe): Promise<string> {
  const restored = await restoreGrafted(lab, out, { callerFds: { 5: pipe.writeEnd }, program });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  await restored.end();
  return lastReport(program);
}

const check = (out: string, pipe: Pipe) => exec(['--plan', out, '--check'], { pass: { 5: pipe.writeEnd } });

const cases: [string, string, number, StartOptions][] = [
  // With the file system ids alone: to dump who has all of them takes CAP_SYS_RESOURCE, which root of a container lacks.
  ['a task that is not root', 'fsuid', 65534, {}],
  [
    'a task that is not root, in a user namespace',
    'uid',
    165_534,
    { namespaces: ['user', 'pid', 'mount'], firstId: 100_000 },
  ],
];
for (const [title, how, outside, options] of cases)
  realTest(`${title}: stdout opens again once the named command ran`, async (t, lab) => {
    const grafted = await prepare(t, lab, [how, '65534', '65534', '7'], options);
    t.is(grafted.before, 'ok');

    const pipe = await lab.pipe();
    const warned = await check(grafted.out, pipe);
    t.is(warned.code, 0);
    const [, command] = /^fdgraft-exec: warning: caller fd 5 .* (chown .*)\n$/.exec(warned.stderr) ?? [];
    t.is(command, `chown ${outside}:${outside} /proc/self/fd/5`, warned.stderr);
    t.is(await reopened(lab, grafted, pipe), EACCES);

    const { code, stderr } = await run(['sh', '-c', command ?? ''], { pass: { 5: pipe.writeEnd } });
    t.is(code, 0, stderr);
    t.like(await check(grafted.out, pipe), { code: 0, stderr: '' });
    t.is(await reopened(lab, grafted, pipe), 'ok');
    t.is(pipe.drain().toString(), 'task 1\n');
  });

realTest('a group that the task is in is enough, by the mode', async (t, lab) => {
  const grafted = await prepare(t, lab, ['fsuid', '65534', '65534', '7'], {});
  const pipe = await lab.pipe();
  const words = ['sh', '-c', 'chgrp 7 /proc/self/fd/5 && chmod g+w /proc/self/fd/5'];
  t.is((await run(words, { pass: { 5: pipe.writeEnd } })).code, 0);
  t.like(await check(grafted.out, pipe), { code: 0, stderr: '' });
  t.is(await reopened(lab, grafted, pipe), 'ok');
});
