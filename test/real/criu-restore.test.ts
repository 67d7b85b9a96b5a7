import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { command as ownCommand } from '../support/command';
import { until } from '../support/until';
import { callerFile } from './support/caller-file';
import { checkedBuild } from './support/checked-build';
import { makeCommands } from './support/commands';
import { compileProgram } from './support/compile';
import { criuLock, realCriu } from './support/criu';
import { Fifo } from './support/fifo';
import { descriptor } from './support/graft';
import { CriuFailure, type Lab, type RestoreOptions } from './support/lab';
import { realTest } from './support/real-test';
import { RESTORED, restoreLog } from './support/restore-log';
import { ended, type Fds } from './support/spawn';
import { standing } from './support/standing';

/** `fdgraft restore` in the place of `criu restore`: the same words, and the same fds at the same numbers. */

function environment(lab: Lab): NodeJS.ProcessEnv {
  const bin = lab.directory();
  makeCommands(bin);
  return { ...process.env, PATH: `${bin}:${checkedBuild()}:${process.env.PATH}` };
}

/** Restores a dump with -d by the words that `criu restore` takes. */
function restore(lab: Lab, dump: string, specs: readonly string[], options: RestoreOptions = {}) {
  const extraArgs = [...specs.flatMap((spec) => ['--inherit-fd', spec]), ...(options.extraArgs ?? [])];
  return lab.restore(dump, { ...options, command: ownCommand, env: environment(lab), extraArgs });
}

/** Those of somebody else. */
const others = standing();

/** The names that restores of this file have left in the runtime directory. */
function leftovers(): string[] {
  return standing().filter((name) => name.startsWith('restore-') && !others.includes(name));
}

realTest(
  'a pipe under eight numbers of two tasks; restore.log and the pidfile lie in the image directory',
  async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
    const dump = await lab.dump(program);
    const pipe = await lab.pipe();
    const before = fs.readdirSync(dump);
    const callerFds = { 5: pipe.writeEnd };
    const { tasks } = await restore(lab, dump, [`fd[5]:${old.name}`], { callerFds, extraArgs: ['--pidfile', 'pid'] });
    for (const [pid, fd] of [
      [program.pid, 1],
      [program.pid, 6],
      [program.pid + 1, 9],
    ] as const) {
      t.true(tasks.isOurs(pid, fd, pipe.writeEnd));
    }
    await tasks.signal(program.pid, 'SIGUSR1');
    t.is(pipe.drain().toString(), 'parent 1\nparent 6\nparent 7\n');
    t.is(fs.readFileSync(path.join(dump, 'pid'), 'utf8'), String(program.pid));
    const made = fs.readdirSync(dump).filter((name) => !before.includes(name));
    t.deepEqual(made.sort(), ['pid', 'restore.log', 'stats-restore'], 'what criu writes, and nothing of ours');
    t.deepEqual(leftovers(), []);
  },
);

/**
 * Programs of fixtures, and which of their entries have the caller's pipe at 5 and its files at 7 and 8; {} is their
 * directory.
 */
const SAME: readonly [program: string, specs: readonly string[]][] = [
  ['pipe_outside', ['fd[5]:OLD']],
  ['two_paths', ['fd[5]:OLD', 'fd[7]:{}/logs/out.log', 'fd[8]:{}/logs/err.log']],
  ['two_logs', ['fd[7]:{}/log']],
  ['shared_table', ['fd[5]:OLD', 'fd[7]:{}/log']],
  ['owned_pipe', ['fd[5]:OLD']],
];

for (const [name, texts] of SAME) {
  realTest(`${name}: by the words of criu restore, with the same bytes in the same places`, async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram(name), { fds: { 1: old.writeEnd } });
    const specs = texts.map((text) => text.replace('OLD', old.name).replace('{}', program.directory.slice(1)));
    const extraArgs = specs.flatMap((spec) => ['--inherit-fd', spec]);
    const dump = await lab.dump(program);
    const restores = [
      (callerFds: Fds) => lab.restore(dump, { program, callerFds, extraArgs }),
      (callerFds: Fds) => restore(lab, dump, specs, { program, callerFds }),
    ];
    const seen = [];
    for (const begin of restores) {
      const [pipe, log, errors] = [await lab.pipe(), callerFile(lab, 'a'), callerFile(lab, 'a+')];
      const { tasks, end } = await begin({ 5: pipe.writeEnd, 7: log.fd, 8: errors.fd });
      const pids = [...tasks.pids().keys()].sort();
      const callers = [pipe.name, log.file, errors.file];
      const places = pids.map((pid) => [...tasks.fds(pid)].map(([fd, { target }]) => [fd, callers.indexOf(target)]));
      for (const pid of pids) await tasks.signal(pid, 'SIGUSR1');
      seen.push({ pids, places, bytes: [pipe.drain().toString(), log.text(), errors.text()] });
      await end();
    }
    t.deepEqual(seen[1], seen[0]);
    t.regex(seen[0]?.bytes.join('') ?? '', /^(parent|child|task) \d\n/);
  });
}

realTest(
  'the command of --exec-cmd has the descriptors and the environment that it has from criu restore',
  async (t, lab) => {
    const program = await lab.startProgram(compileProgram('two_logs'));
    const dump = await lab.dump(program);
    const list = path.join(lab.directory(), 'list');
    const spec = `${program.directory.slice(1)}/log`;
    // A caller fd that the command has in both, and one that CRIU takes.
    const command = [
      '--no-restore-detached',
      '--exec-cmd',
      '--',
      'sh',
      '-c',
      `ls -l /proc/self/fd >${list}; env >${list}.env`,
    ];
    const seen = [];
    for (const begin of [
      (callerFds: Fds) => lab.restore(dump, { callerFds, extraArgs: ['--inherit-fd', `fd[7]:${spec}`, ...command] }),
      (callerFds: Fds) => restore(lab, dump, [`fd[7]:${spec}`], { callerFds, extraArgs: command }),
    ]) {
      const { end } = await begin({ 7: callerFile(lab, 'a').fd, 9: callerFile(lab, 'a').fd });
      await end();
      // CRIU's own, such as its log, are at other numbers.
      const open = [...fs.readFileSync(list, 'utf8').matchAll(/ \d+ -> (?!\/proc\/)(\S+)/g)].map(([, target]) =>
        target?.replace(/^\/.*\/fdgraft-[^/]*\//, '').replace(/\d+/g, 'N'),
      );
      seen.push({
        open: open.sort(),
        variables: fs
          .readFileSync(`${list}.env`, 'utf8')
          .split('\n')
          .filter((line) => /^(CRIU|CRTOOLS|FDGRAFT)_/.test(line))
          .sort(),
      });
    }
    t.deepEqual(seen[1], seen[0]);
  },
);

realTest('without -d, the restored tasks alone hold a caller fd', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  // At a number that Node.js makes close-on-exec, at others, and at two of them.
  for (const [spec, other] of [
    [5, 900],
    [900, 5],
  ] as const) {
    const fifo = new Fifo(lab);
    const box = await lab.box();
    const said = lab.scratch();
    const log = path.join(lab.directory(), 'restore.log');
    const words = ['restore', '-D', dump, '-o', log, '-v4', '--inherit-fd', `fd[${spec}]:${old.name}`];
    const child = box.spawn([...ownCommand, ...words], {
      messages: said.fd,
      fds: { 1: said.fd, 2: said.fd, [spec]: fifo.writer, [other]: fifo.writer },
      env: environment(lab),
      wrap: ['flock', '-o', '-w', '300', '-E', '124', criuLock()],
    });
    await until(
      'the end of the restore',
      () => fs.existsSync(log) && fs.readFileSync(log, 'utf8').includes('Tasks resumed'),
    );
    fs.closeSync(fifo.writer);
    // Those that stand around it have the other number, as they would have without fdgraft.
    const programs = fifo.holders().map((pid) => path.basename(fs.readlinkSync(`/proc/${pid}/exe`)));
    t.deepEqual(
      programs.filter((name) => !['flock', 'ld-linux-x86-64.so.2'].includes(name)),
      ['pipe_outside', 'pipe_outside'],
    );
    await box.end();
    await ended(child, 20);
  }
});

realTest('two opens of one log, a caller fd at a high number', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'a');
  const { tasks } = await restore(lab, dump, [`fd[777]:${program.directory.slice(1)}/log`], {
    callerFds: { 777: file.fd },
  });
  t.false(tasks.sameOpenFile(program.pid, 5, program.pid, 6));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 5\ntask 6\n');
});

realTest('two logs and a pipe; a work directory of the caller', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const [out, err, pipe, work] = [callerFile(lab, 'a'), callerFile(lab, 'r+'), await lab.pipe(), lab.directory()];
  const specs = [
    `fd[7]:${program.directory}/logs/out.log`,
    `fd[8]:${program.directory}/logs/err.log`,
    `fd[0]:${old.name}`,
  ];
  const callerFds = { 0: pipe.writeEnd, 7: out.fd, 8: err.fd };
  const { tasks } = await restore(lab, dump, specs, { callerFds, extraArgs: ['-W', work] });
  t.true(tasks.isOurs(program.pid, 1, pipe.writeEnd));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.deepEqual([out.text(), err.text(), pipe.drain().toString()], ['task 5\ntask 7\n', 'task 6\n', 'task 1\n']);
  t.true(fs.existsSync(path.join(work, 'restore.log')));
  t.false(fs.existsSync(path.join(dump, 'restore.log')));
});

realTest('unread bytes of a pipe', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('unread_pipe'), { fds: { 0: 'pipe-read' }, args: ['65536'] });
  const old = lab.pipeOf(program, 0);
  old.fill(Buffer.from('from before the dump\n'));
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const { tasks } = await restore(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: pipe.readEnd } });
  await tasks.signal(program.pid, 'SIGUSR2');
  t.is(tasks.readBy(program.pid, 0).toString(), 'from before the dump\n');
});

realTest('a program with namespaces of its own, whose pages come through links', async (t, lab) => {
  const old = await lab.pipe();
  const namespaces = ['mount', 'pid'] as const;
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd }, namespaces });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const { tasks } = await restore(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: pipe.writeEnd }, program });
  t.true(tasks.isOurs(1, 1, pipe.writeEnd));
});

realTest('a caller fd that does not wait keeps its flags', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = path.join(lab.directory(), 'fifo');
  execFileSync('mkfifo', [file]);
  const fd = lab.open(file, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const flags = () => /flags:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1];
  const before = flags();
  const { tasks } = await restore(lab, dump, [`fd[0]:${old.name}`], { callerFds: { 0: fd } });
  t.is(descriptor(tasks, program.pid, 1).target, file);
  t.is(flags(), before);
});

/** Starts `fdgraft restore` that stays, and waits until criu has restored. */
async function attached(lab: Lab, dump: string, spec: string, fds: Fds) {
  const box = await lab.box();
  const said = lab.scratch();
  const words = ['restore', '-D', dump, '-o', 'restore.log', '-v4', '--inherit-fd', spec];
  const child = box.spawn([...ownCommand, ...words], {
    messages: said.fd,
    fds: { 1: said.fd, 2: said.fd, ...fds },
    env: environment(lab),
    wrap: ['flock', '-o', '-w', '300', '-E', '124', criuLock()],
  });
  await until(
    'the restore',
    () => {
      if (child.exitCode !== null) throw new Error(`no restore: ${said.read()}`);
      return restoreLog(dump).includes(RESTORED);
    },
    () => said.read().toString(),
  );
  return { box, child };
}

/** Processes with a word in their command line. */
function processes(word: string, program: RegExp): number[] {
  return fs.readdirSync('/proc').flatMap((name) => {
    try {
      const line = /^\d+$/.test(name) ? fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') : [];
      return line.some((part) => program.test(part)) && line.includes(word) && !line.includes('--enter')
        ? Number(name)
        : [];
    } catch {
      return [];
    }
  });
}

/** True where a signal waits: criu blocks all that it can when it has restored. */
function isPending(pid: number, signal: number): boolean {
  const [, mask = '0'] = /^ShdPnd:\s*(\S+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

realTest('attached: the directory is there until criu ends, which gets the signals', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const { box, child } = await attached(lab, dump, `fd[5]:${old.name}`, { 5: pipe.writeEnd });
  t.is(leftovers().length, 1);
  await box.tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'parent 1\nparent 6\nparent 7\n');
  const [node] = processes(dump, /bin\.js$/);
  const [criu] = processes(dump, /sbin\/criu$/);
  process.kill(node as number, 'SIGTERM');
  await until('the signal', () => isPending(criu as number, 15));
  t.is(leftovers().length, 1);
  process.kill(criu as number, 'SIGKILL');
  t.is(await ended(child, 60), 137);
  t.deepEqual(leftovers(), []);
});

realTest(
  'attached: it ends with criu; after SIGKILL criu goes on, and a later start removes the directory',
  async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
    const dump = await lab.dump(program);
    const pipe = await lab.pipe();
    const spec = `fd[5]:${old.name}`;
    const first = await attached(lab, dump, spec, { 5: pipe.writeEnd });
    for (const pid of [program.pid + 1, program.pid]) process.kill(first.box.tasks.hostPid(pid), 'SIGKILL');
    t.is(await ended(first.child, 60), 0);
    t.deepEqual(leftovers(), []);
    await first.box.end();

    fs.rmSync(path.join(dump, 'restore.log'));
    const { box, child } = await attached(lab, dump, spec, { 5: pipe.writeEnd });
    const [node] = processes(dump, /bin\.js$/);
    process.kill(node as number, 'SIGKILL');
    // Its children have another parent then.
    t.is(await ended(child, 60), 137);
    const [left] = leftovers();
    t.truthy(left);
    await box.tasks.signal(program.pid, 'SIGUSR1');
    t.is(pipe.drain().toString(), 'parent 1\nparent 6\nparent 7\n');
    const { end } = await restore(lab, dump, [spec], { callerFds: { 5: pipe.writeEnd } });
    t.deepEqual(leftovers(), [left], 'criu still has it');
    await end();
    await box.end();
    await restore(lab, dump, [spec], { callerFds: { 5: pipe.writeEnd } });
    t.deepEqual(leftovers(), []);
  },
);

realTest('a failed restore leaves nothing, and its exit status is criu’s', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  fs.renameSync(path.join(program.directory, 'pipe_outside'), path.join(program.directory, 'aside'));
  const pipe = await lab.pipe();
  const failure = await t.throwsAsync(restore(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: pipe.writeEnd } }), {
    instanceOf: CriuFailure,
  });
  t.is(failure?.exitCode, 1);
  t.deepEqual(leftovers(), []);
});

realTest('pages on demand, from a daemon that reads the image directory', async (t, lab) => {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const [loader = '', ...rest] = real.criu;
  const daemon = spawn(loader, [...rest, 'lazy-pages', '-D', dump, '-v4', '-o', 'lazy.log'], { stdio: 'ignore' });
  t.teardown(() => daemon.kill('SIGKILL'));
  const socket = path.join(dump, 'lazy-pages.socket');
  await until('the socket of criu lazy-pages', () => {
    if (daemon.exitCode !== null) throw new Error('criu lazy-pages does not listen');
    return fs.existsSync(socket);
  });
  const options = { callerFds: { 5: pipe.writeEnd }, extraArgs: ['--lazy-pages'] };
  const { tasks } = await restore(lab, dump, [`fd[5]:${old.name}`], options);
  t.deepEqual(leftovers(), []);
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'parent 1\nparent 6\nparent 7\n');
  t.regex(fs.readFileSync(path.join(dump, 'lazy.log'), 'utf8'), /uffd/);
});
