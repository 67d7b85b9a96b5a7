import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { openSource, rewrite } from '../../src';
import { checkRewritten } from '../support/independent';
import { checkedBuild } from './support/checked-build';
import { compileProgram } from './support/compile';
import { CriuFailure, type Lab, type Program } from './support/lab';
import { Pipe } from './support/pipe';
import { realTest } from './support/real-test';

/** Bytes that nobody had read at the dump, delivered by a stock CRIU through the caller's pipe. */

/** A script for criu's --action-script that does something at one stage. */
function actionScript(lab: Lab, stage: string, does: string): string {
  const script = path.join(lab.directory(), 'script');
  fs.writeFileSync(script, `#!/bin/sh\nif [ "$CRTOOLS_SCRIPT_ACTION" = ${stage} ]; then ${does}; fi\n`, {
    mode: 0o755,
  });
  return script;
}

interface Unread {
  program: Program;
  unread: Buffer;
  out: string;
  prefix: string[];
}

/** A dump of a reader whose pipe holds this many bytes, rewritten for the caller's fd 5. */
async function rewritten(lab: Lab, bytes: number): Promise<Unread> {
  const program = await lab.startProgram(compileProgram('unread_pipe'), {
    fds: { 0: 'pipe-read' },
    args: [String(Math.max(bytes, 1 << 16))],
  });
  const old = lab.pipeOf(program, 0);
  const unread = Buffer.from(Array.from({ length: bytes }, (_, index) => (index * 31 + (index >> 8)) & 0xff));
  old.fill(unread);
  const dump = await lab.dump(program);
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { out, specs: [`fd[5]:${old.name}`] });
  const problems = checkRewritten(dump, out);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return { program, unread, out, prefix: [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--'] };
}

for (const bytes of [21, 1 << 16, 1 << 20]) {
  realTest(`${bytes} unread bytes arrive whole, once, and before what the caller writes`, async (t, lab) => {
    const { program, unread, out, prefix } = await rewritten(lab, bytes);
    const pipe = await lab.pipe();
    const { tasks } = await lab.restore(out, { prefix, callerFds: { 5: pipe.readEnd } });
    t.true(tasks.isOurs(program.pid, 0, pipe.readEnd));
    t.true(tasks.isOurs(program.pid, 8, pipe.readEnd));
    t.deepEqual([...tasks.fds(program.pid).keys()], [0, 1, 2, 8]);
    await tasks.signal(program.pid, 'SIGUSR2');
    pipe.fill(Buffer.from(', followed by more'));
    await tasks.signal(program.pid, 'SIGUSR2');
    const read = tasks.readBy(program.pid, 0);
    t.is(read.length, bytes + 18);
    t.true(read.equals(Buffer.concat([unread, Buffer.from(', followed by more')])));
    t.is(pipe.drain().length, 0);
  });
}

realTest('the read end alone will do: the bytes, then the end of the file', async (t, lab) => {
  const { program, unread, out, prefix } = await rewritten(lab, 1 << 20);
  const pipe = await Pipe.open();
  const reader = lab.open(`/proc/self/fd/${pipe.readEnd}`, 'r');
  pipe.close();
  const { tasks } = await lab.restore(out, { prefix, callerFds: { 5: reader } });
  await tasks.signal(program.pid, 'SIGUSR2');
  t.true(tasks.readBy(program.pid, 0).equals(unread));
  t.is(fs.readSync(reader, Buffer.alloc(1)), 0, 'nothing holds an end for writing any more');
});

realTest('a FIFO of the caller, open for both', async (t, lab) => {
  const { program, unread, out, prefix } = await rewritten(lab, 21);
  const fifo = path.join(lab.directory(), 'fifo');
  spawnSync('mkfifo', [fifo]);
  const { tasks } = await lab.restore(out, { prefix, callerFds: { 5: lab.open(fifo, 'r+') } });
  await tasks.signal(program.pid, 'SIGUSR2');
  t.true(tasks.readBy(program.pid, 0).equals(unread));
});

realTest('a restore that fails has consumed nothing and delivered nothing', async (t, lab) => {
  const { program, unread, out, prefix } = await rewritten(lab, 1 << 16);
  const pipe = await lab.pipe();
  const callerFds = { 5: pipe.readEnd };
  const [binary, aside] = [path.join(program.directory, 'unread_pipe'), path.join(program.directory, 'aside')];
  fs.renameSync(binary, aside);
  await t.throwsAsync(lab.restore(out, { prefix, callerFds }), { instanceOf: CriuFailure });
  t.is(pipe.drain().length, 0);
  fs.renameSync(aside, binary);
  // As late as a restore can fail: all tasks are there, and stopped.
  const extraArgs = ['--action-script', actionScript(lab, 'post-restore', 'exit 1')];
  await t.throwsAsync(lab.restore(out, { prefix, callerFds, extraArgs }), { instanceOf: CriuFailure });
  t.is(pipe.drain().length, 0);
  const { tasks } = await lab.restore(out, { prefix, callerFds });
  await tasks.signal(program.pid, 'SIGUSR2');
  t.true(tasks.readBy(program.pid, 0).equals(unread), 'the next one delivers them');
});

realTest('what someone writes during the restore is not overtaken: no task runs without its bytes', async (t, lab) => {
  const { out, prefix } = await rewritten(lab, 21);
  const fifo = path.join(lab.directory(), 'fifo');
  spawnSync('mkfifo', [fifo]);
  const fd = lab.open(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const script = actionScript(lab, 'post-restore', `printf early >${fifo}`);
  const error = await t.throwsAsync(
    lab.restore(out, { prefix, callerFds: { 5: fd }, extraArgs: ['--action-script', script] }),
    { instanceOf: CriuFailure },
  );
  t.regex(error.log, /something wrote 5 bytes into its pipe during the restore/);
  const bytes = Buffer.alloc(100);
  t.is(bytes.toString('utf8', 0, fs.readSync(fd, bytes)), 'early');
});

realTest('a pipe that holds bytes already, or is none, is refused before anything starts', async (t, lab) => {
  const { out, prefix } = await rewritten(lab, 21);
  const pipe = await lab.pipe();
  pipe.fill(Buffer.from('already'));
  for (const [fd, expected] of [
    [pipe.readEnd, /fd\[5\]:pipe:\[\d+\].* already holds 7 bytes/],
    [lab.open('/dev/zero', 'r'), /is a character device .*--drop-in-flight/],
  ] as const) {
    const error = await t.throwsAsync(lab.restore(out, { prefix, callerFds: { 5: fd } }), { instanceOf: CriuFailure });
    t.is(error.exitCode, 100);
    t.regex(error.output, expected);
  }
  t.is(pipe.drain().toString(), 'already');
});
