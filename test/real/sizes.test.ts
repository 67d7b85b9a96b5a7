import fs from 'node:fs';
import path from 'node:path';
import { exec } from '../support/native';
import { compileHelper, compileProgram } from './support/compile';
import { graft, restoreGrafted } from './support/graft';
import { CriuFailure, type Lab } from './support/lab';
import { realTest } from './support/real-test';

/** What the dump recorded of pipes and files and a dup does not bring back: sizes, and signals on I/O. */

interface Logs {
  pid: number;
  dump: string;
  specs: { inherit: string; truncate: true; position: 'saved' | 'caller' }[];
  open(): { [fd: number]: number };
  texts(): string[];
}

/** A program with two logs that went on after the dump: out.log is open for appending alone, err.log is not. */
async function wroteOn(lab: Lab): Promise<Logs> {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program, { extraArgs: ['--leave-running'] });
  await program.tasks.signal(program.pid, 'SIGUSR1');
  await program.box.end();
  const logs = ['out.log', 'err.log'].map((name) => path.join(program.directory, 'logs', name)) as [string, string];
  return {
    pid: program.pid,
    dump,
    specs: [
      { inherit: `fd[7]:${logs[0]}`, truncate: true, position: 'saved' },
      { inherit: `fd[8]:${logs[1]}`, truncate: true, position: 'saved' },
      { inherit: `fd[5]:${old.name}` } as never,
    ],
    open: () => ({ 5: old.writeEnd, 7: lab.open(logs[0], 'a'), 8: lab.open(logs[1], 'r+') }),
    texts: () => logs.map((log) => fs.readFileSync(log, 'utf8')),
  };
}

const AFTER = ['out said\ntask 5\ntask 7\n', 'err said\ntask 6\n'];

realTest('logs are rolled back to the dump, and the tasks go on there', async (t, lab) => {
  const logs = await wroteOn(lab);
  t.deepEqual(logs.texts(), AFTER);
  const { plan, out, restored } = await graft(lab, logs.dump, logs.specs, { callerFds: logs.open() });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['CUT_AT_OFFSET'],
  );
  t.regex(restored.output, /caller fd 7 \(spec .*\): 14 bytes past 9 are cut off/);
  t.regex(restored.output, /caller fd 8 \(spec .*\): 7 bytes past 9 are cut off/);
  t.deepEqual(logs.texts(), ['out said\n', 'err said\n']);
  await restored.tasks.signal(logs.pid, 'SIGUSR1');
  t.deepEqual(logs.texts(), AFTER);
  await restored.end();
  // Again and again: nothing of it is doubled.
  const again = await restoreGrafted(lab, out, { callerFds: logs.open() });
  t.deepEqual(logs.texts(), ['out said\n', 'err said\n']);
  await again.tasks.signal(logs.pid, 'SIGUSR1');
  t.deepEqual(logs.texts(), AFTER);
});

realTest('a restore that fails cuts nothing, however late', async (t, lab) => {
  const logs = await wroteOn(lab);
  const script = path.join(lab.directory(), 'script');
  fs.writeFileSync(script, '#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != post-restore ]\n', { mode: 0o755 });
  const extraArgs = ['--action-script', script];
  await t.throwsAsync(graft(lab, logs.dump, logs.specs, { callerFds: logs.open(), extraArgs }), {
    instanceOf: CriuFailure,
  });
  t.deepEqual(logs.texts(), AFTER);
});

realTest('a file that gets shorter during the restore: no task runs on', async (t, lab) => {
  const logs = await wroteOn(lab);
  const script = path.join(lab.directory(), 'script');
  const log = /:(.*)/.exec(logs.specs[1]?.inherit ?? '')?.[1];
  fs.writeFileSync(script, `#!/bin/sh\nif [ "$CRTOOLS_SCRIPT_ACTION" = post-restore ]; then : >${log}; fi\n`, {
    mode: 0o755,
  });
  const error = await t.throwsAsync(
    graft(lab, logs.dump, logs.specs, { callerFds: logs.open(), extraArgs: ['--action-script', script] }),
    { instanceOf: CriuFailure },
  );
  t.regex(error.log, /caller fd 8: something made its file shorter during the restore: it has 0 bytes/);
  t.deepEqual(logs.texts(), [AFTER[0], '']);
});

realTest('a pipe is as large as it was, though it was empty', async (t, lab) => {
  const size = 1 << 20;
  const program = await lab.startProgram(compileProgram('unread_pipe'), {
    fds: { 0: 'pipe-read' },
    args: [String(size)],
  });
  const old = lab.pipeOf(program, 0);
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const callerFds = { 5: pipe.readEnd };
  t.throws(() => pipe.fill(Buffer.alloc(size)), { code: 'EAGAIN' });
  pipe.drain();
  const { plan, restored } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds });
  t.is(plan.placeholders[0]?.pipe_size, size);
  t.is(restored.output, '');
  pipe.fill(Buffer.alloc(size, 'x'));
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(restored.tasks.readBy(program.pid, 0).length, size);
});

for (const [name, signal] of [
  ['SIGIO', []],
  ['SIGRTMIN + 2', ['36']],
] as const)
  realTest(`apply reopen: ${name} comes when the caller writes, and a dup says that it does not`, async (t, lab) => {
    const program = await lab.startProgram(compileHelper('async'), { fds: { 0: 'pipe-read' }, args: [...signal] });
    const old = lab.pipeOf(program, 0);
    const dump = await lab.dump(program);
    const after = async (apply: 'reopen' | 'auto') => {
      const pipe = await lab.pipe();
      const spec = { inherit: `fd[5]:${old.name}`, apply };
      const { out, plan, restored } = await graft(lab, dump, [spec], { callerFds: { 5: pipe.readEnd } });
      pipe.fill(Buffer.from('x'));
      await restored.tasks.signal(program.pid, 'SIGUSR2');
      const said = restored.tasks.readBy(program.pid, 'signals').toString();
      await restored.end();
      fs.rmSync(path.join(program.directory, `read.${program.pid}.signals`));
      return { said, output: restored.output, out, codes: plan.warnings.map(({ code }) => code) };
    };
    const reopened = await after('reopen');
    t.is(reopened.said, '1 async\n');
    t.deepEqual([reopened.codes, reopened.output], [[], '']);
    const dup = await after('auto');
    t.is(dup.said, '0 not\n');
    t.deepEqual(dup.codes, ['OWNER_DROPPED']);
    t.regex(dup.output, /warning: caller fd 5 has no O_ASYNC, file id \d+ had it .*use apply reopen/);
    const check = await exec(['--plan', dup.out, '--check'], { give: ['5=pipe:9', '5=async'] });
    t.deepEqual([check.code, check.stderr], [0, '']);
  });
