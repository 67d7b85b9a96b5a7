import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { openSource, rewrite } from '../../src';
import { callerFile } from './support/caller-file';
import { compileHelper, compileProgram } from './support/compile';
import { restoreGiven } from './support/given';
import { descriptor, graft, numbers } from './support/graft';
import { CriuFailure, type Restored } from './support/lab';
import { realTest } from './support/real-test';

/** What refers to an entry besides its descriptors, or names these by number: restored by a stock CRIU. */

const report = (directory: string, pid: number, name: string) =>
  fs.readFileSync(path.join(directory, `read.${pid}.${name}`), 'utf8');

realTest('a log that two tasks have open and mapped: the descriptors move, both mappings stay', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_maps'));
  const [parent, child] = [program.pid, program.pid + 1];
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'r+');
  const log = path.join(program.directory, 'log');
  const { restored, plan } = await graft(lab, dump, [`fd[7]:${log}`], { callerFds: { 7: file.fd } });
  const { tasks } = restored;
  t.is(plan.placeholders.length, 1);
  t.true(Number(plan.placeholders[0]?.split_from) > 0);
  for (const pid of [parent, child]) {
    t.true(tasks.isOurs(pid, 5, file.fd));
    t.regex(fs.readFileSync(`/proc/${tasks.hostPid(pid)}/maps`, 'utf8'), new RegExp(`${log}$`, 'm'));
    await tasks.signal(pid, 'SIGUSR1');
    await tasks.signal(pid, 'SIGUSR2');
    t.is(report(program.directory, pid, 'map'), pid === parent ? '................' : 'mapped..........');
  }
  t.is(file.text(), 'parent 5\nchild 5\n');
  t.is(fs.readFileSync(log, 'utf8').slice(0, 8), 'mapped..', 'the mapping is still that of the log');
});

realTest('a segment that is mapped through another open: the plan warns, and the two part', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('mapped_segment'));
  const { pid, directory } = program;
  const dump = await lab.dump(program);
  const segment = path.join(directory, 'segment');
  for (const [callerFd, spec] of [`fd[7]:/proc/${pid}/fd/5`, `fd[7]:${segment}`].entries()) {
    const { plan } = await rewrite(await openSource(dump), { specs: [spec] });
    t.deepEqual(
      plan.warnings.map(({ code }) => code),
      ['FILE_STILL_USED'],
      `${callerFd}`,
    );
    t.true(plan.warnings[0]?.message.includes(`a file mapping of task ${pid}`), plan.warnings[0]?.message);
  }
  const file = callerFile(lab, 'r+');
  const { restored } = await graft(lab, dump, [`fd[7]:/proc/${pid}/fd/5`], { callerFds: { 7: file.fd } });
  const { tasks } = restored;
  t.true(tasks.isOurs(pid, 5, file.fd));
  t.regex(fs.readFileSync(`/proc/${tasks.hostPid(pid)}/maps`, 'utf8'), new RegExp(`${segment}$`, 'm'));
  await tasks.signal(pid, 'SIGUSR1');
  await tasks.signal(pid, 'SIGUSR2');
  t.is(
    report(directory, pid, 'map'),
    '................',
    'what is written to the descriptor is not seen in the mapping',
  );
  t.is(file.text(), 'task 5\n');
  t.is(fs.readFileSync(segment, 'latin1').slice(0, 8), 'mapped..', 'the mapping is still that of the old file');
});

realTest('a segment that is mapped through another open, and is gone: the restore fails', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('mapped_segment'));
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'r+');
  fs.rmSync(path.join(program.directory, 'segment'));
  const specs = [`fd[7]:/proc/${program.pid}/fd/5`];
  await t.throwsAsync(graft(lab, dump, specs, { callerFds: { 7: file.fd } }), { instanceOf: CriuFailure });
});

realTest("a program's own executable as its log: the descriptors move, the executable stays", async (t, lab) => {
  const program = await lab.startProgram(compileProgram('own_executable'));
  const [parent, child] = [program.pid, program.pid + 1];
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'r', 'the data of the caller');
  const executable = path.join(program.directory, 'own_executable');
  const { restored, plan } = await graft(lab, dump, [`fd[7]:${executable}`], { callerFds: { 7: file.fd } });
  const { tasks } = restored;
  t.true(plan.placeholders.some(({ split_from }) => split_from !== undefined));
  for (const pid of [parent, child]) {
    t.is(fs.readlinkSync(`/proc/${tasks.hostPid(pid)}/exe`), executable);
    for (const fd of [5, 6]) t.true(tasks.isOurs(pid, fd, file.fd), `${pid}/${fd}`);
  }
  await tasks.signal(child, 'SIGUSR2');
  t.is(tasks.readBy(child, 5).toString(), 'the data of the caller');
});

realTest('logs without a name: their remaps go along, and nothing is left behind', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('deleted_logs'));
  const { directory } = program;
  const dump = await lab.dump(program, { extraArgs: ['--link-remap'] });
  const links = () => fs.readdirSync(directory).filter((name) => name.startsWith('link_remap.'));
  t.is(links().length, 1);
  const ghost = callerFile(lab, 'r+');
  const moved = callerFile(lab, 'a');
  const specs = [`fd[7]:${directory}/ghost.log`, `fd[8]:${directory}/moved.log`];
  const { restored, plan, out } = await graft(lab, dump, specs, { callerFds: { 7: ghost.fd, 8: moved.fd } });
  t.true(restored.tasks.isOurs(program.pid, 5, ghost.fd));
  t.true(restored.tasks.isOurs(program.pid, 6, moved.fd));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(ghost.text(), 'task 5\n');
  t.is(moved.text(), 'task 6\n');
  t.is(fs.readFileSync(path.join(directory, 'kept.log'), 'utf8'), 'kept\ntask 7\n');
  t.false(fs.existsSync(path.join(directory, 'ghost.log')));
  // Law 4: CRIU removes a link when it has opened it, and nobody opens this one any more.
  const [link] = links();
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['REMOVED_FILE_DROPPED', 'LINK_LEFT_BEHIND'],
  );
  t.true(plan.warnings[1]?.message.includes(path.join(directory, link ?? 'none')), plan.warnings[1]?.message);
  t.is(fs.statSync(path.join(out, 'remap-fpath.img')).size, 8);
});

realTest('one of two removed logs: the remap of the other still works', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('deleted_logs'));
  const { directory } = program;
  const dump = await lab.dump(program, { extraArgs: ['--link-remap'] });
  const file = callerFile(lab, 'r+');
  const { restored } = await graft(lab, dump, [`fd[7]:${directory}/ghost.log`], { callerFds: { 7: file.fd } });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 5\n');
  t.is(fs.readFileSync(path.join(directory, 'kept.log'), 'utf8'), 'kept\ntask 6\ntask 7\n');
  t.deepEqual(
    fs.readdirSync(directory).filter((name) => /^(link_remap|ghost)/.test(name)),
    [],
  );
});

for (const [what, event] of [
  ['inotify', 16],
  ['fanotify', 24],
] as const) {
  realTest(`a removed log that an ${what} watches: it reports what it does without a rewrite`, async (t, lab) => {
    const program = await lab.startProgram(compileHelper('watched_ghost'), { args: [what] });
    const { directory, pid } = program;
    const dump = await lab.dump(program);
    const events = path.join(directory, `read.${pid}.6`);
    /** The events of the restore, and those of one line to the other log that is watched. */
    const look = async ({ tasks, end }: Restored): Promise<readonly string[]> => {
      fs.rmSync(events, { force: true });
      await tasks.signal(pid, 'SIGUSR2');
      const before = fs.existsSync(events) ? fs.readFileSync(events).toString('hex') : '';
      await tasks.signal(pid, 'SIGUSR1');
      await tasks.signal(pid, 'SIGUSR2');
      const after = fs.readFileSync(events).toString('hex').slice(before.length);
      await end();
      return [before, after];
    };
    const plain = await look(await lab.restore(dump));
    t.is(plain[1]?.length, 2 * event);
    const file = callerFile(lab, 'r+');
    const { restored, plan } = await graft(lab, dump, [`fd[7]:${directory}/ghost.log`], { callerFds: { 7: file.fd } });
    t.deepEqual(
      plan.warnings.map(({ code }) => code),
      ['REMOVED_FILE_DROPPED'],
    );
    t.true(restored.tasks.isOurs(pid, 5, file.fd));
    t.deepEqual(await look(restored), plain);
    t.is(file.text(), 'task 5\n');
    t.deepEqual(
      fs.readdirSync(directory).filter((name) => /ghost(\.log|_)/.test(name) && name !== 'watched_ghost'),
      [],
    );
  });
}

for (const what of ['inotify', 'fanotify'])
  realTest(`a log that an ${what} watches: a warning, and no event of what the caller's file gets`, async (t, lab) => {
    const program = await lab.startProgram(compileHelper('watched_ghost'), { args: [what] });
    const { directory, pid } = program;
    const dump = await lab.dump(program);
    const [ghost, kept] = [callerFile(lab, 'r+'), callerFile(lab, 'a')];
    const specs = [`fd[7]:${directory}/ghost.log`, `fd[8]:${directory}/kept.log`];
    const { restored, plan } = await graft(lab, dump, specs, { callerFds: { 7: ghost.fd, 8: kept.fd } });
    t.deepEqual(
      plan.warnings.map(({ code }) => code),
      ['REMOVED_FILE_DROPPED', 'WATCH_STAYS'],
    );
    await restored.tasks.signal(pid, 'SIGUSR2');
    const events = path.join(directory, `read.${pid}.6`);
    const before = fs.statSync(events).size;
    await restored.tasks.signal(pid, 'SIGUSR1');
    await restored.tasks.signal(pid, 'SIGUSR2');
    t.is(kept.text(), 'task 7\n');
    t.is(fs.statSync(events).size, before);
  });

realTest('a removed log and the inotify that watches it, both taken', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('watched_ghost'), { args: ['inotify'] });
  const { directory, pid } = program;
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'r+');
  const specs = [`fd[7]:${directory}/ghost.log`, { inherit: `fd[8]:/proc/${pid}/fd/6`, nonblock: true }];
  const { tasks } = await restoreGiven(lab, dump, { specs, give: ['8=inotify'], callerFds: { 7: file.fd } });
  t.true(tasks.isOurs(pid, 5, file.fd));
  t.notRegex(fs.readFileSync(`/proc/${tasks.hostPid(pid)}/fdinfo/6`, 'utf8'), /wd:/);
});

realTest('descriptors in flight over a unix socket, received after the restore', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('scm_receive'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a+');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd } });
  const { tasks } = restored;
  await tasks.signal(program.pid, 'SIGUSR2');
  t.is(report(program.directory, program.pid, '6'), 'take these');
  t.true(tasks.isOurs(program.pid, 20, pipe.writeEnd));
  t.true(tasks.isOurs(program.pid, 21, log.fd));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 1\ntask 20\n');
  t.is(log.text(), 'task 21\n');
});

realTest(
  'a descriptor in flight, one in a table and a mapping on one log: split, and the right follows',
  async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('scm_receive'), { fds: { 1: old.writeEnd }, args: ['map'] });
    const child = program.pid + 1;
    const dump = await lab.dump(program);
    const log = callerFile(lab, 'a+');
    const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
    const { restored, plan } = await graft(lab, dump, specs, { callerFds: { 5: old.writeEnd, 7: log.fd } });
    const { tasks } = restored;
    const split = plan.placeholders.find(({ split_from }) => split_from !== undefined);
    t.deepEqual(
      split?.references.map((reference) => Object.keys(reference)[0]),
      ['descriptor', 'descriptor', 'scm_right'],
    );
    t.true(plan.images.some(({ name }) => name === 'sk-queues.img'));
    await tasks.signal(program.pid, 'SIGUSR2');
    t.is(report(program.directory, program.pid, '6'), 'take these');
    for (const [pid, fd] of [
      [program.pid, 7],
      [child, 7],
      [program.pid, 21],
    ] as const) {
      t.true(tasks.isOurs(pid, fd, log.fd), `${pid}/${fd}`);
    }
    t.regex(
      fs.readFileSync(`/proc/${tasks.hostPid(child)}/maps`, 'utf8'),
      new RegExp(`${program.directory}/log$`, 'm'),
    );
  },
);

realTest('only: descriptor 1 leaves its entry, and the right in flight stays with that', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('scm_receive'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const specs = [{ inherit: `fd[5]:/proc/${program.pid}/fd/1`, only: true }];
  // What stays of the pipe is criu's own business, and goes on to the old pipe.
  const extraArgs = ['--inherit-fd', `fd[9]:${old.name}`];
  const callerFds = { 5: pipe.writeEnd, 9: old.writeEnd };
  const { restored } = await graft(lab, dump, specs, { callerFds, extraArgs });
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.true(restored.tasks.isOurs(program.pid, 1, pipe.writeEnd));
  t.is(pipe.drain().toString(), 'task 1\n');
  t.is(old.drain().toString(), 'task 20\n');
});

realTest('only: one of two dups moves, the other stays on the old log', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'a');
  const log = path.join(program.directory, 'logs/out.log');
  const specs = [`fd[6]:${old.name}`, { inherit: `fd[7]:/proc/${program.pid}/fd/5`, only: true }];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 6: old.writeEnd, 7: file.fd } });
  const { tasks } = restored;
  t.true(tasks.isOurs(program.pid, 5, file.fd));
  t.is(descriptor(tasks, program.pid, 7).target, log);
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 5\n');
  t.is(fs.readFileSync(log, 'utf8'), 'out said\ntask 7\n');
});

realTest(
  'only: descriptor 1 of one of two tasks moves, all others stay dups of the other caller fd',
  async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
    const [parent, child] = [program.pid, program.pid + 1];
    const dump = await lab.dump(program);
    const [first, rest] = [await lab.pipe(), await lab.pipe()];
    const specs = [{ inherit: `fd[5]:/proc/${child}/fd/1`, only: true }, `fd[6]:${old.name}`];
    const { restored } = await graft(lab, dump, specs, { callerFds: { 5: first.writeEnd, 6: rest.writeEnd } });
    await restored.tasks.signal(parent, 'SIGUSR1');
    await restored.tasks.signal(child, 'SIGUSR1');
    t.is(first.drain().toString(), 'child 1\n');
    t.is(rest.drain().toString(), 'parent 1\nparent 6\nparent 7\nchild 6\nchild 7\nchild 8\nchild 9\n');
  },
);

realTest('two opens of one path go to two files of the caller, by task and number', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dump = await lab.dump(program);
  const [first, second] = [callerFile(lab, 'r+', '0123456789'), callerFile(lab, 'a')];
  const specs = [
    { inherit: `fd[7]:/proc/${program.pid}/fd/5`, position: 'saved' as const },
    `fd[8]:/proc/${program.pid}/fd/6`,
  ];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 7: first.fd, 8: second.fd } });
  const { tasks } = restored;
  t.is(descriptor(tasks, program.pid, 5).pos, 6, 'at the saved offset');
  t.false(tasks.isOurs(program.pid, 5, first.fd));
  t.true(tasks.isOurs(program.pid, 6, second.fd));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(first.text(), '012345task 5\n');
  t.is(second.text(), 'task 6\n');
});

for (const [position, expected] of [
  ['caller', '01234567task 5\n'],
  ['saved', '012345task 5\n'],
  ['end', '0123456789task 5\n'],
] as const) {
  realTest(`position ${position}: opened again there, and the caller's own fd stays as it is`, async (t, lab) => {
    const program = await lab.startProgram(compileProgram('two_logs'));
    const dump = await lab.dump(program);
    const file = callerFile(lab, 'r+', '0123456789');
    fs.readSync(file.fd, Buffer.alloc(8));
    const before = fs.readFileSync(`/proc/self/fdinfo/${file.fd}`, 'utf8');
    const specs = [{ inherit: `fd[7]:/proc/${program.pid}/fd/5`, apply: 'reopen' as const, position }];
    const { restored } = await graft(lab, dump, specs, { callerFds: { 7: file.fd } });
    t.false(restored.tasks.isOurs(program.pid, 5, file.fd));
    await restored.tasks.signal(program.pid, 'SIGUSR1');
    t.is(file.text(), expected);
    t.is(fs.readFileSync(`/proc/self/fdinfo/${file.fd}`, 'utf8'), before);
    t.is(fs.readFileSync(path.join(program.directory, 'log'), 'utf8'), 'first\nsecondtask 6\n', 'the other open stays');
  });
}

realTest("other status flags: opened again with the entry's, the caller's own flags unchanged", async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const { O_WRONLY, O_NONBLOCK } = fs.constants;
  const fd = lab.open(`/proc/self/fd/${pipe.writeEnd}`, O_WRONLY | O_NONBLOCK);
  const before = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  const { restored } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: fd } });
  const { tasks } = restored;
  t.false(tasks.isOurs(program.pid, 1, fd));
  t.true(tasks.sameOpenFile(program.pid, 1, program.pid + 1, 9));
  t.is(descriptor(tasks, program.pid, 1).flags & O_NONBLOCK, 0);
  t.is(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), before);
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'parent 1\nparent 6\nparent 7\n');
});

realTest('apply reopen: the owner is set again, on an open file of its own', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('owned_pipe'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const specs = [{ inherit: `fd[5]:${old.name}`, apply: 'reopen' as const }];
  const { restored, plan } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd } });
  t.deepEqual(plan.warnings, []);
  t.false(restored.tasks.isOurs(program.pid, 1, pipe.writeEnd));
  const { tasks } = restored;
  t.deepEqual(tasks.ownerOf(program.pid, 1), { type: 1, hostPid: tasks.hostPid(program.pid), signal: 23 });
});

realTest('three threads write to what their task inherits', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('threads'), { fds: { 1: old.writeEnd } });
  const before = numbers(program.tasks, program.pid);
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd } });
  const { tasks } = restored;
  t.is(fs.readdirSync(`/proc/${tasks.hostPid(program.pid)}/task`).length, 3);
  t.deepEqual(numbers(tasks, program.pid), before);
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'thread 1\nthread 6\n');
  t.is(log.text(), 'thread 5\n');
});

realTest('an epoll that watches an inherited pipe still fires, and what it cannot watch is refused', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('watched_pipe'), { fds: { 0: 'pipe-read' } });
  const old = lab.pipeOf(program, 0);
  const dump = await lab.dump(program);
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
  const [file, log] = [callerFile(lab, 'r'), callerFile(lab, 'r')];
  const error = await t.throwsAsync(graft(lab, dump, specs, { callerFds: { 5: file.fd, 7: log.fd } }), {
    instanceOf: CriuFailure,
  });
  t.is(error.exitCode, 100);
  t.regex(error.output, /caller fd 5 is a file that no epoll takes \(spec fd\[5\]:pipe:/);

  const pipe = await lab.pipe();
  // The child has a log under the number that the parent's epoll watches: a file will do there.
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: pipe.readEnd, 7: log.fd } });
  const { tasks } = restored;
  t.true(tasks.isOurs(program.pid + 1, 0, log.fd));
  await tasks.signal(program.pid, 'SIGUSR2');
  t.is(report(program.directory, program.pid, '9'), '');
  pipe.fill(Buffer.from('wake up'));
  await tasks.signal(program.pid, 'SIGUSR2');
  t.is(report(program.directory, program.pid, '9'), '1 f00d\n');
});

realTest('locked files stop the rewrite with the reason; what is not locked moves', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('locked_log'));
  const dump = await lab.dump(program, { extraArgs: ['--file-locks'] });
  const attempt = async (name: string) =>
    rewrite(await openSource(dump), { specs: [`fd[7]:${program.directory}/${name}`] });
  for (const [name, lock] of [
    ['flocked.log', /descriptor \d+\/5, .* holds a flock: CRIU would lock the caller's file/],
    ['posix.log', /descriptor \d+\/6, .* holds a POSIX lock/],
    ['*.log', /holds a/],
  ] as const) {
    const error = await t.throwsAsync(attempt(name), { message: lock });
    t.is((error as { exitCode?: number }).exitCode, 2);
  }
  const file = callerFile(lab, 'a+');
  const extraArgs = ['--file-locks'];
  const { restored } = await graft(lab, dump, [`fd[7]:${program.directory}/free.log`], {
    callerFds: { 7: file.fd },
    extraArgs,
  });
  t.is(restored.tasks.fds(program.pid).get(7)?.target, file.file);
});

realTest('one end of a pipe whose other end stays: the rewrite says what that means', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('inner_pipe'), { fds: { 1: old.writeEnd } });
  const child = program.pid + 1;
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const specs = [`fd[5]:/proc/${child}/fd/5`, `fd[6]:${old.name}`];
  const callerFds = { 5: pipe.readEnd, 6: old.writeEnd };
  const { restored, plan } = await graft(lab, dump, specs, { callerFds });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['OTHER_END_STAYS'],
  );
  t.regex(plan.warnings[0]?.message ?? '', /fails with EPIPE where no reader stays/);
  pipe.fill(Buffer.from('from the caller'));
  await restored.tasks.signal(child, 'SIGUSR2');
  t.is(restored.tasks.readBy(child, 5).toString(), 'from the caller');
  await t.throwsAsync(restored.tasks.signal(program.pid, 'SIGUSR1'), { message: /ended on SIGUSR1/ });
});

realTest('1,000 descriptors on one pipe in 50 tasks', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('many_tasks'), {
    fds: { 1: old.writeEnd },
    args: ['50', '20'],
  });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const { restored, plan } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: pipe.writeEnd } });
  t.is(plan.placeholders[0]?.references.length, 1000);
  const pids = [...restored.tasks.pids().keys()];
  t.is(pids.length, 50);
  for (const pid of pids) {
    const fds = restored.tasks.fds(pid);
    t.deepEqual([...fds.keys()], [0, 1, 2, ...Array.from({ length: 19 }, (_, i) => 10 + i)]);
    for (const [fd, { target, closeOnExec }] of fds) {
      if (fd === 1 || fd >= 10) t.is(target, pipe.name);
      if (fd >= 10) t.is(closeOnExec, fd % 2 === 0, `${pid}/${fd}`);
    }
    await restored.tasks.signal(pid, 'SIGUSR1');
  }
  for (const pid of [pids[0], pids[49]]) t.true(restored.tasks.isOurs(Number(pid), 28, pipe.writeEnd));
  t.is(pipe.drain().toString().split('\n').length, 1001);
});

realTest('10,000 entries on one caller fd: as dups they come back, opened again they are refused', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('many_opens'), { args: ['10000'] });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'a');
  const inherit = `fd[7]:${program.directory}/log`;
  const callerFds = { 7: file.fd };
  const error = await t.throwsAsync(graft(lab, dump, [inherit], { callerFds }), { instanceOf: CriuFailure });
  t.is(error.exitCode, 100);
  t.regex(error.output, /10000 placeholders have to be opened again, at most \d+ can be; use apply dup/);

  const { restored, plan } = await graft(lab, dump, [{ inherit, apply: 'dup' }], { callerFds });
  t.is(plan.placeholders.length, 10_000);
  const fds = restored.tasks.fds(program.pid);
  t.is(fds.size, 10_003);
  for (const [fd, { target }] of fds) if (fd > 2) t.is(target, file.file);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 10\ntask 10009\n');
});

realTest('a FIFO with unread bytes: both its ends come from a FIFO of the caller', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('fifo'));
  const dump = await lab.dump(program);
  const own = path.join(lab.directory(), 'own');
  execFileSync('mkfifo', [own]);
  const fd = lab.open(own, 'r+');
  const spec = `fd[5]:${program.directory}/queue`;
  const { restored } = await graft(lab, dump, [spec], { callerFds: { 5: fd } });
  const { tasks } = restored;
  for (const number of [5, 6, 7]) t.is(descriptor(tasks, program.pid, number).target, own);
  t.true(tasks.sameOpenFile(program.pid, 5, program.pid, 7));
  await tasks.signal(program.pid, 'SIGUSR1');
  await tasks.signal(program.pid, 'SIGUSR2');
  t.is(tasks.readBy(program.pid, 5).toString(), 'in the fifotask 6\n');
});

realTest('one end of a FIFO from a pipe of the caller, the other one stays on the FIFO', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('fifo'));
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const write = await graft(lab, dump, [`fd[5]:/proc/${program.pid}/fd/6`], { callerFds: { 5: pipe.writeEnd } });
  await write.restored.tasks.signal(program.pid, 'SIGUSR1');
  await write.restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(pipe.drain().toString(), 'task 6\n');
  const read = () => fs.readFileSync(path.join(program.directory, `read.${program.pid}.5`), 'utf8');
  t.is(read(), 'in the fifo', 'CRIU gives the reader its bytes');
  await write.restored.end();

  const reader = [{ inherit: `fd[5]:/proc/${program.pid}/fd/5`, inFlight: 'drop' as const }];
  const { restored } = await graft(lab, dump, reader, { callerFds: { 5: pipe.readEnd } });
  pipe.fill(Buffer.from('; from the caller'));
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(read(), 'in the fifo; from the caller');
});
