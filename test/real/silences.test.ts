import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { callerFile } from './support/caller-file';
import { compileProgram } from './support/compile';
import { descriptor, graft } from './support/graft';
import { CriuFailure, type Restored } from './support/lab';
import { realTest } from './support/real-test';
import type { Fds } from './support/spawn';

/** What `criu restore --inherit-fd` does without a word, and what fdgraft does instead: on one and the same dump. */

const inherit = (...specs: string[]) => specs.flatMap((spec) => ['--inherit-fd', spec]);
/** CRIU's own keys of files are paths without their first slash. */
const key = (file: string) => file.slice(1);

realTest('a spec that matches nothing', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const log = path.join(program.directory, 'log');
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'a');
  const spec = `fd[7]:${key(log)}x`;

  const stock = await lab.restore(dump, { callerFds: { 7: file.fd }, extraArgs: inherit(spec) });
  t.is(descriptor(stock.tasks, program.pid, 5).target, log, 'criu restores as if nothing had been asked');
  await stock.end();

  const error = await t.throwsAsync(graft(lab, dump, [spec], { callerFds: { 7: file.fd } }));
  t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
});

realTest('an fd with too little access', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const log = path.join(program.directory, 'log');
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'r');
  const spec = `fd[7]:${key(log)}`;

  const stock = await lab.restore(dump, { callerFds: { 7: file.fd }, extraArgs: inherit(spec) });
  await t.throwsAsync(
    stock.tasks.signal(program.pid, 'SIGUSR1'),
    { message: /ended on SIGUSR1/ },
    'dead at its first write',
  );
  await stock.end();

  const error = await t.throwsAsync(graft(lab, dump, [spec], { callerFds: { 7: file.fd } }), {
    instanceOf: CriuFailure,
  });
  t.is(error.exitCode, 100);
  t.regex(error.output, /caller fd 7 is open for only reading, file id \d+ needs writing/);
});

realTest('two opens of one log', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dump = await lab.dump(program);
  const spec = `fd[7]:${key(path.join(program.directory, 'log'))}`;

  const [first, second] = [callerFile(lab, 'r+', '0123456789'), callerFile(lab, 'r+', '0123456789')];
  const stock = await lab.restore(dump, { callerFds: { 7: first.fd }, extraArgs: inherit(spec) });
  t.true(stock.tasks.sameOpenFile(program.pid, 5, program.pid, 6), 'criu makes them one');
  await stock.tasks.signal(program.pid, 'SIGUSR1');
  t.is(first.text(), 'task 5\ntask 6\n', 'the one that appended does not any more');
  await stock.end();

  const { restored } = await graft(lab, dump, [spec], { callerFds: { 7: second.fd } });
  t.false(restored.tasks.sameOpenFile(program.pid, 5, program.pid, 6));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(second.text(), 'task 5\n789task 6\n');
});

realTest('unread bytes', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('unread_pipe'), { fds: { 0: 'pipe-read' } });
  const old = lab.pipeOf(program, 0);
  old.fill(Buffer.from('twenty-one bytes here'));
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const spec = `fd[5]:${old.name}`;
  const read = () => fs.readFileSync(path.join(program.directory, `read.${program.pid}.0`), 'utf8');

  const stock = await lab.restore(dump, { callerFds: { 5: pipe.readEnd }, extraArgs: inherit(spec) });
  await stock.tasks.signal(program.pid, 'SIGUSR2');
  t.is(read(), '', 'criu loses them');
  await stock.end();

  const { restored } = await graft(lab, dump, [spec], { callerFds: { 5: pipe.readEnd } });
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(read(), 'twenty-one bytes here');
});

realTest('one caller fd for two keys', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'a+');
  const logs = ['out.log', 'err.log'].map((name) => `fd[7]:${key(path.join(program.directory, 'logs', name))}`);
  const specs = [...logs, `fd[5]:${old.name}`];
  const callerFds = { 5: old.writeEnd, 7: file.fd };

  const error = await t.throwsAsync(lab.restore(dump, { callerFds, extraArgs: inherit(...specs) }), {
    instanceOf: CriuFailure,
  });
  t.not(error.exitCode, 0, 'criu closed it after the first one');

  const { restored } = await graft(lab, dump, specs, { callerFds });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 6\ntask 7\n', 'out.log appends, and err.log writes from its own offset');
});

realTest('a pipe with both ends in the tree', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('inner_pipe'), { fds: { 1: old.writeEnd } });
  const inner = descriptor(program.tasks, program.pid, 6).target;
  const dump = await lab.dump(program);
  const child = program.pid + 1;
  const pipe = await lab.pipe();
  const specs = [`fd[5]:${inner}`, `fd[6]:${old.name}`];
  const callerFds = { 5: pipe.writeEnd, 6: old.writeEnd };

  const stock = await lab.restore(dump, { callerFds, extraArgs: inherit(...specs) });
  t.deepEqual(
    [descriptor(stock.tasks, program.pid, 6).target, descriptor(stock.tasks, child, 5).target],
    [pipe.name, pipe.name],
    'criu opens both ends again, whatever the caller can do with it',
  );
  await stock.end();

  const error = await t.throwsAsync(graft(lab, dump, specs, { callerFds }), { instanceOf: CriuFailure });
  t.regex(error.output, /caller fd 5 is open for only writing, file id \d+ needs reading/);
  // One end alone is named by its descriptor, and what that means is said (references.test.ts).
  const one = [`fd[5]:/proc/${program.pid}/fd/6`, `fd[6]:${old.name}`];
  const { restored, plan } = await graft(lab, dump, one, { callerFds });
  t.true(plan.warnings.some(({ code }) => code === 'OTHER_END_STAYS'));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'parent 6\n');
});

realTest('a reader that gets both ends of a FIFO', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('unread_pipe'), { fds: { 0: old.readEnd } });
  const dump = await lab.dump(program);
  const fifo = path.join(lab.directory(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const inherited = `fd[5]:${old.name}`;
  const begin = async (start: (callerFds: Fds) => Promise<Restored>) => {
    const fd = fs.openSync(fifo, 'r+');
    try {
      return await start({ 5: fd });
    } finally {
      fs.closeSync(fd);
    }
  };

  const stock = await begin((callerFds) => lab.restore(dump, { callerFds, extraArgs: inherit(inherited) }));
  await stock.tasks.signal(program.pid, 'SIGUSR2');
  t.is(stock.tasks.readBy(program.pid, 0).length, 0, 'criu opens the FIFO for reading alone, and it is at its end');
  await stock.end();

  for (const [apply, flags, warns] of [
    ['auto', fs.constants.O_RDWR, true],
    ['dup', fs.constants.O_RDWR, false],
    ['reopen', fs.constants.O_RDONLY, false],
  ] as const) {
    const graftAll = (callerFds: Fds) =>
      graft(lab, dump, [{ inherit: inherited, apply }], { callerFds }).then(({ restored }) => restored);
    const { tasks, output, end } = await begin(graftAll);
    t.is(descriptor(tasks, program.pid, 0).flags & 3, flags, apply);
    t.is(/caller fd 5 is a FIFO open for reading and writing, .* never reads the end/.test(output), warns, output);
    if (apply === 'reopen') {
      await tasks.signal(program.pid, 'SIGUSR2');
      t.is(tasks.readBy(program.pid, 0).length, 0);
    }
    await end();
  }
});

realTest('a task with a limit of the size of files, and a longer file', async (t, lab) => {
  // CRIU's own log meets the limit as well, so it is larger than that.
  const old = await lab.pipe();
  const as = ['prlimit', '--fsize=1000000:unlimited'];
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd }, as });
  const dump = await lab.dump(program);
  const inherited = `fd[5]:${old.name}`;
  for (const [length, said] of [
    [
      1_000_500,
      /file id \d+ goes on at byte 1000500 of your file .*, and task 14716 gets SIGXFSZ for a write at byte 1000000/,
    ],
    [999_000, /file id \d+ was none .*: task 14716 gets SIGXFSZ when it has written 1000 bytes/],
  ] as const) {
    const file = callerFile(lab, 'a', 'x'.repeat(length));
    const { restored } = await graft(lab, dump, [inherited], { callerFds: { 5: file.fd } });
    t.regex(restored.output, said);
    const written = restored.tasks.signal(program.pid, 'SIGUSR1');
    if (length > 1_000_000) await t.throwsAsync(written, { message: /ended on SIGUSR1/ });
    else await written;
    await restored.end();
  }
  const file = callerFile(lab, 'a', 'x'.repeat(1_000_500));
  const { restored } = await graft(lab, dump, [inherited], { callerFds: { 5: file.fd } });
  execFileSync('prlimit', ['--pid', String(restored.tasks.hostPid(program.pid)), '--fsize=unlimited']);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.true(file.text().endsWith('parent 1\nparent 6\nparent 7\n'));
});
