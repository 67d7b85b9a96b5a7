import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../src';
import { until } from '../support/until';
import { checkedBuild } from './support/checked-build';
import { makeCommands } from './support/commands';
import { compileProgram } from './support/compile';
import { criuLock } from './support/criu';
import { graft } from './support/graft';
import { CriuFailure, type Lab, type Program } from './support/lab';
import { realTest } from './support/real-test';

// A command of a script or of a shell whose session was not dumped. Without --shell-job criu makes a leader for it, and then
// waits for ever for a process group of that session, or finds a task in another one.

interface Job {
  program: Program;
  dump: string;
  spec: string;
}

/** `shell` runs the program as a child in its own session: in its own group, or in one for itself. */
async function job(lab: Lab, binary: string, shell: string): Promise<Job> {
  const old = await lab.pipe();
  const started = await lab.startProgram(compileProgram(binary), {
    fds: { 1: old.writeEnd },
    as: ['bash', '-c', shell, 'bash'],
  });
  const program = { ...started, pid: started.pid + 1, dumpPid: started.dumpPid + 1 };
  const dump = await lab.dump(program, { extraArgs: ['--shell-job'] });
  return { program, dump, spec: `fd[5]:${old.name}` };
}

async function restore(t: ExecutionContext, lab: Lab, { program, dump, spec }: Job, extraArgs: readonly string[]) {
  const pipe = await lab.pipe();
  const { restored } = await graft(lab, dump, [spec], { callerFds: { 5: pipe.writeEnd }, extraArgs });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.not(pipe.drain().length, 0);
}

const OF_SCRIPT = '"$@"; :';
const OF_SHELL = 'set -m; "$@" & wait';

for (const [binary, shell, what] of [
  ['two_paths', OF_SCRIPT, 'a task in the group of its script, for which criu hangs'],
  ['pipe_outside', OF_SCRIPT, 'two tasks in the group of their script, over which criu fails'],
  ['pipe_outside', OF_SHELL, 'two tasks of a shell job, over which criu fails'],
] as const)
  realTest(what, async (t, lab) => {
    const one = await job(lab, binary, shell);
    const failure = await t.throwsAsync(restore(t, lab, one, []), { instanceOf: CriuFailure });
    t.is(failure.exitCode, 100);
    t.regex(failure.output, /COMMAND has no --shell-job: task 14717 is of session 14716, .*; add --shell-job\n$/);
    await restore(t, lab, one, ['--shell-job']);
  });

for (const words of [[], ['--shell-job']])
  realTest(`one task of a shell job, which criu restores ${words[0] ?? 'without --shell-job'}`, async (t, lab) => {
    await restore(t, lab, await job(lab, 'two_paths', OF_SHELL), words);
  });

realTest('a task of a script that restores it itself, which criu restores without --shell-job', async (t, lab) => {
  const [old, pipe, bin] = [await lab.pipe(), await lab.pipe(), lab.directory()];
  makeCommands(bin);
  const script = await lab.startProgram(compileProgram('two_paths'), {
    fds: { 1: old.writeEnd, 5: pipe.writeEnd },
    as: ['bash', '-c', '"$@" 5>&-; . ./restore', 'bash'],
  });
  const pid = script.pid + 1;
  const dump = await lab.dump(
    { ...script, dumpPid: script.dumpPid + 1 },
    { extraArgs: ['--shell-job', '--leave-running'] },
  );
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: [`fd[5]:${old.name}`], out });
  const exec = path.join(checkedBuild(), 'fdgraft-exec');
  const criu = `${path.join(bin, 'criu')} restore -D ${out} -d -o restore.log -v4`;
  fs.writeFileSync(
    path.join(script.directory, 'restore'),
    `flock -o ${criuLock()} ${exec} --plan ${out} -- ${criu} >said 2>&1; echo $? >status.new; mv status.new status; sleep infinity`,
  );
  await script.tasks.signal(pid, 'SIGKILL');
  const status = path.join(script.directory, 'status');
  await until('the end of the restore', () => fs.existsSync(status));
  t.is(fs.readFileSync(path.join(script.directory, 'said'), 'utf8'), '');
  t.is(fs.readFileSync(status, 'utf8'), '0\n');
  pipe.drain();
  await script.tasks.signal(pid, 'SIGUSR1');
  await until('what the program writes', () => pipe.drain().length > 0);
});
