import path from 'node:path';
import { FdgraftError, openSource, rewrite } from '../../src';
import { convertLayout, type OldLayout } from '../support/old-layouts';
import { callerFile } from './support/caller-file';
import { compileProgram } from './support/compile';
import { realCriu } from './support/criu';
import { descriptor, graft, numbers } from './support/graft';
import { CriuFailure, type Lab } from './support/lab';
import { realTest } from './support/real-test';

// Layouts that no CRIU of today writes: a dump is converted, and then it depends on CRIU what becomes of it.

function converted(lab: Lab, layout: OldLayout, dump: string): string {
  const directory = path.join(lab.directory(), 'converted');
  convertLayout(layout, dump, directory);
  return directory;
}

/** Whether the CRIU of these tests is of a version or newer. */
function isAtLeast(major: number, minor: number): boolean {
  const real = realCriu();
  const [, ...parts] = /^(\d+)\.(\d+)/.exec(real.available ? real.version : '') ?? [];
  const [itsMajor = 0, itsMinor = 0] = parts.map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}

realTest('a checkpoint of the oldest format, whose images have one magic', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const before = numbers(program.tasks, program.pid);
  const dump = converted(lab, 'v1_magic', await lab.dump(program));
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a', 'before\n');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/logs/out.log`];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd } });
  const { tasks } = restored;
  t.deepEqual(numbers(tasks, program.pid), before);
  t.true(tasks.isOurs(program.pid, 1, pipe.writeEnd));
  t.true(tasks.isOurs(program.pid, 5, log.fd));
  t.true(tasks.isOurs(program.pid, 7, log.fd));
  t.is(descriptor(tasks, program.pid, 6).target, `${program.directory}/logs/err.log`);
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 1\n');
  t.is(log.text(), 'before\ntask 5\ntask 7\n');
  t.is(old.drain().length, 0);
});

realTest('a tree of tasks whose mappings are in images of their own', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_maps'), { fds: { 1: old.writeEnd } });
  const [parent, child] = [program.pid, program.pid + 1];
  const before = [parent, child].map((pid) => numbers(program.tasks, pid));
  const dump = converted(lab, 'vmas', await lab.dump(program));
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'r+', 'before\n');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
  const { restored, plan } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd } });
  const { tasks } = restored;
  t.is(plan.placeholders.filter(({ split_from }) => split_from !== undefined).length, 1, 'mappings keep their entry');
  t.deepEqual(
    [parent, child].map((pid) => numbers(tasks, pid)),
    before,
  );
  for (const pid of [parent, child]) {
    t.true(tasks.isOurs(pid, 1, pipe.writeEnd));
    t.true(tasks.isOurs(pid, 5, log.fd));
    await tasks.signal(pid, 'SIGUSR2');
    await tasks.signal(pid, 'SIGUSR1');
  }
  t.is(log.text(), 'parent 5\nchild 5\n');
  // The parent reports what is mapped, then writes there: to the old file, which the child sees.
  t.is(tasks.readBy(parent, 'map').toString(), '.'.repeat(16));
  t.is(tasks.readBy(child, 'map').toString(), `mapped${'.'.repeat(10)}`);
});

realTest('a task alone whose mappings are in an image of their own: since CRIU 4.3', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = converted(lab, 'vmas', await lab.dump(program));
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a', 'before\n');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/logs/out.log`];
  const restore = () => graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd } });
  if (!isAtLeast(4, 3)) {
    // CRIU counts one mapping too many, and takes what comes next in its memory for it.
    const inherit = { callerFds: { 5: pipe.writeEnd }, extraArgs: ['--inherit-fd', `fd[5]:${old.name}`] };
    const alone = await t.throwsAsync(lab.restore(dump, inherit), { instanceOf: CriuFailure });
    t.regex(alone.log, /pie: .*Error/);
    await t.throwsAsync(restore(), { instanceOf: CriuFailure });
    return;
  }
  const { tasks } = (await restore()).restored;
  t.true(tasks.isOurs(program.pid, 1, pipe.writeEnd));
  t.true(tasks.isOurs(program.pid, 7, log.fd));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 1\n');
  t.is(log.text(), 'before\ntask 5\ntask 7\n');
});

for (const [layout, says, reason] of [
  ['per_type', /Segmentation fault/, /and no files\.img/],
  ['ids_in_core', /No IDS for root task/, /has no ids-PID\.img/],
  ['by_pid', /Too old image/, /has descriptor tables by pid/],
] as const) {
  realTest(`neither CRIU nor fdgraft takes the layout ${layout}`, async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
    const dump = await lab.dump(program);
    const directory = converted(lab, layout, dump);
    const inherit = { callerFds: { 5: old.writeEnd }, extraArgs: ['--inherit-fd', `fd[5]:${old.name}`] };
    const failure = await t.throwsAsync(lab.restore(directory, inherit), { instanceOf: CriuFailure });
    t.regex(failure.log, says);
    const specs = [`fd[5]:${old.name}`];
    const out = path.join(lab.directory(), 'out');
    await t.throwsAsync(rewrite(await openSource(directory), { specs, out }), {
      instanceOf: FdgraftError,
      message: reason,
    });
    // What was converted restores as it was: it is the layout alone.
    const { tasks } = await lab.restore(dump, inherit);
    t.true(tasks.pids().has(program.pid));
  });
}
