import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { register } from '../support/command';
import { compileProgram } from './support/compile';
import { CriuFailure, Lab, type Program, type Restored } from './support/lab';
import type { Pipe } from './support/pipe';
import { realTest } from './support/real-test';
import type { Descriptor, Tasks } from './support/tasks';
import { sweep } from './support/temp';

// Nothing of the project itself runs here: these tests show that the ground the others stand on is solid.

// CRIU opens a directory again without it.
const O_DIRECTORY = 0o200000;

/** What stays the same over a dump and a restore: inode numbers and running clocks do not. */
function seen(tasks: Tasks): unknown[] {
  const names = new Map<string, number>();
  const number = (target: string) => {
    if (!names.has(target)) names.set(target, names.size);
    return names.get(target);
  };
  const line = (text: string) =>
    text
      .replace(/ ino:\w+ sdev:\w+| f_handle:\w+/g, '')
      .replace(/\s+/g, ' ')
      .replace(/^(lock: .*) \d+ (?=\w+:\w+:)/, '$1 ')
      .replace(/^it_value: .*|^eventfd-id: .*/, '');
  const plain = ({ target, pos, flags, closeOnExec, info }: Descriptor) => ({
    target: target.replace(/^(pipe|socket):\[\d+\]$/, (whole, kind) => `${kind} ${number(whole)}`),
    pos,
    flags: flags & ~O_DIRECTORY,
    closeOnExec,
    info: info.map(line).sort(),
  });
  return [...tasks.pids().keys()].map((pid) => [
    pid,
    [...tasks.fds(pid)].map(([fd, descriptor]) => [fd, plain(descriptor)]),
  ]);
}

/** Which descriptors of a tree are one open file: for each, the first one that it equals. */
function sharing(tasks: Tasks): string[] {
  const firsts: { pid: number; fd: number; target: string }[] = [];
  const lines: string[] = [];
  for (const pid of tasks.pids().keys()) {
    for (const [fd, { target }] of tasks.fds(pid)) {
      const same = firsts.find((one) => one.target === target && tasks.sameOpenFile(one.pid, one.fd, pid, fd));
      if (!same) firsts.push({ pid, fd, target });
      lines.push(`${pid}/${fd} is ${same?.pid ?? pid}/${same?.fd ?? fd}`);
    }
  }
  return lines;
}

interface Round {
  program: Program;
  restored: Restored;
}

/** Dumps a program and restores it as it was; with a pipe, that again through CRIU's own --inherit-fd. */
async function thereAndBack(
  t: ExecutionContext,
  lab: Lab,
  program: Program,
  pipe?: Pipe,
  bothArgs: readonly string[] = [],
): Promise<Round> {
  const before = seen(program.tasks);
  const shared = sharing(program.tasks);
  const dir = await lab.dump(program, { extraArgs: bothArgs });
  const restored = await lab.restore(dir, {
    program,
    callerFds: pipe ? { 7: pipe.writeEnd } : {},
    extraArgs: [...bothArgs, ...(pipe ? ['--inherit-fd', `fd[7]:${pipe.name}`] : [])],
  });
  t.deepEqual(seen(restored.tasks), before);
  t.deepEqual(sharing(restored.tasks), shared);
  return { program, restored };
}

/** Host pids of what runs out of a directory. */
function running(directory: string): string[] {
  return fs.readdirSync('/proc').filter((pid) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/exe`).startsWith(`${directory}/`);
    } catch {
      return false; // No process, or one of the kernel's.
    }
  });
}

/** What arrives in the pipe when each task in turn is told to write. */
async function told(tasks: Tasks, pipe: Pipe): Promise<string> {
  for (const pid of tasks.pids().keys()) await tasks.signal(pid, 'SIGUSR1');
  return pipe.drain().toString();
}

realTest('pipe_outside: one pipe of the caller under eight numbers of two tasks', async (t, lab) => {
  const pipe = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: pipe.writeEnd } });
  t.deepEqual([...program.tasks.fds(program.pid + 1).keys()], [0, 1, 2, 6, 7, 8, 9]);
  t.true(program.tasks.isOurs(program.pid, 6, pipe.writeEnd));
  const lines = 'parent 1\nparent 6\nparent 7\nchild 1\nchild 6\nchild 7\nchild 8\nchild 9\n';
  t.is(await told(program.tasks, pipe), lines);
  const { restored } = await thereAndBack(t, lab, program, pipe);
  t.is(restored.tasks.fds(program.pid).get(1)?.target, pipe.name);
  t.false(restored.tasks.isOurs(program.pid, 1, pipe.writeEnd), "CRIU opens the caller's pipe again");
  t.is(await told(restored.tasks, pipe), lines);
});

realTest('two_logs: two open files of one path keep their offsets', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  t.false(program.tasks.sameOpenFile(program.pid, 5, program.pid, 6));
  const { restored } = await thereAndBack(t, lab, program);
  t.is(restored.tasks.fds(program.pid).get(5)?.pos, 6);
  t.is(restored.tasks.fds(program.pid).get(6)?.pos, 12);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(fs.readFileSync(path.join(program.directory, 'log'), 'utf8'), 'first\ntask 5\ntask 6\n');
});

realTest('two_paths: two logs and a pipe outside', async (t, lab) => {
  const pipe = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: pipe.writeEnd } });
  const { restored } = await thereAndBack(t, lab, program, pipe);
  t.is(await told(restored.tasks, pipe), 'task 1\n');
  t.is(fs.readFileSync(path.join(program.directory, 'logs/out.log'), 'utf8'), 'out said\ntask 5\ntask 7\n');
  t.is(fs.readFileSync(path.join(program.directory, 'logs/err.log'), 'utf8'), 'err said\ntask 6\n');
});

for (const bytes of [21, 1 << 16, 1 << 20]) {
  realTest(`unread_pipe: ${bytes} bytes that nobody has read are there after a plain restore`, async (t, lab) => {
    const program = await lab.startProgram(compileProgram('unread_pipe'), {
      fds: { 0: 'pipe-read' },
      args: [String(Math.max(bytes, 1 << 16))],
    });
    const pipe = lab.pipeOf(program, 0);
    const unread = Buffer.alloc(bytes, 'not read yet, ');
    pipe.fill(unread);
    const { restored } = await thereAndBack(t, lab, program);
    await restored.tasks.signal(program.pid, 'SIGUSR2');
    t.true(restored.tasks.readBy(program.pid, 0).equals(unread));
    t.true(pipe.drain().equals(unread), "the caller's own pipe still holds them: the restored one is another");
  });
}

realTest('shared_table: two tasks, one table', async (t, lab) => {
  const pipe = await lab.pipe();
  const program = await lab.startProgram(compileProgram('shared_table'), { fds: { 1: pipe.writeEnd } });
  const dir = await lab.dump(program);
  t.is(fs.readdirSync(dir).filter((name) => name.startsWith('fdinfo-')).length, 1);
  const restored = await lab.restore(dir, {
    callerFds: { 7: pipe.writeEnd },
    extraArgs: ['--inherit-fd', `fd[7]:${pipe.name}`],
  });
  t.is(await told(restored.tasks, pipe), 'parent 1\nparent 6\nchild 1\nchild 6\n');
  t.is(fs.readFileSync(path.join(program.directory, 'log'), 'utf8'), 'parent 5\nchild 5\n');
});

realTest('forked_map: a descriptor and a mapping of one file', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('forked_map'));
  const { restored } = await thereAndBack(t, lab, program);
  const maps = fs.readFileSync(`/proc/${restored.tasks.hostPid(program.pid + 1)}/maps`, 'utf8');
  t.regex(maps, / r--p .*\/log$/m);
});

realTest('locked_log: locks come back', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('locked_log'));
  const locks = (pid: number, fd: number, tasks: Tasks) => tasks.fds(pid).get(fd)?.info.length;
  t.deepEqual(
    [5, 6, 7].map((fd) => locks(program.pid, fd, program.tasks)),
    [1, 1, 0],
  );
  const { restored } = await thereAndBack(t, lab, program, undefined, ['--file-locks']);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(fs.readFileSync(path.join(program.directory, 'posix.log'), 'utf8'), 'task 6\n');
});

realTest('deleted_logs: a ghost and a file with another name', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('deleted_logs'));
  const { restored } = await thereAndBack(t, lab, program, undefined, ['--link-remap']);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(fs.readFileSync(path.join(program.directory, 'kept.log'), 'utf8'), 'kept\ntask 6\ntask 7\n');
  const ghost = fs.readFileSync(`/proc/${restored.tasks.hostPid(program.pid)}/fd/5`, 'utf8');
  t.is(ghost, 'gone\ntask 5\n');
});

realTest('owned_pipe: bytes arrive outside and inside', async (t, lab) => {
  const pipe = await lab.pipe();
  const program = await lab.startProgram(compileProgram('owned_pipe'), { fds: { 1: pipe.writeEnd } });
  const { restored } = await thereAndBack(t, lab, program, pipe);
  t.is(await told(restored.tasks, pipe), 'task 1\n');
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(restored.tasks.readBy(program.pid, 5).toString(), 'task 6\n');
});

realTest('dead_child: the living task has its pipe', async (t, lab) => {
  const pipe = await lab.pipe();
  const program = await lab.startProgram(compileProgram('dead_child'), { fds: { 1: pipe.writeEnd } });
  const { restored } = await thereAndBack(t, lab, program, pipe);
  t.is(await told(restored.tasks, pipe), 'parent 1\n');
});

realTest('scm_rights: descriptors on their way', async (t, lab) => {
  const pipe = await lab.pipe();
  const program = await lab.startProgram(compileProgram('scm_rights'), { fds: { 1: pipe.writeEnd } });
  t.deepEqual(program.tasks.fds(program.pid).get(6)?.info, ['scm_fds: 2']);
  const { restored } = await thereAndBack(t, lab, program, pipe);
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(restored.tasks.readBy(program.pid, 6).toString(), 'take these');
});

realTest('many_types: each comes back as what it was', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('many_types'));
  const { restored } = await thereAndBack(t, lab, program);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  const read = (fd: number) => restored.tasks.readBy(program.pid, fd).toString();
  t.deepEqual([10, 14, 23, 35].map(read), ['3456789task 12\n', 'inside\n', 'task 22\n', 'queued\n']);
});

for (const namespaces of [['pid'], ['user', 'pid', 'mount']] as const) {
  realTest(`a tree in namespaces of its own: ${namespaces.join(', ')}`, async (t, lab) => {
    const pipe = await lab.pipe();
    const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: pipe.writeEnd }, namespaces });
    t.deepEqual([...program.tasks.pids().keys()], [1]);
    const { restored } = await thereAndBack(t, lab, program, pipe);
    t.is(await told(restored.tasks, pipe), 'task 1\n');
    t.is(fs.readFileSync(path.join(program.directory, 'logs/err.log'), 'utf8'), 'err said\ntask 6\n');
  });
}

realTest('a program has the descriptors that it was given, and no others', async (t, lab) => {
  const pipe = await lab.pipe();
  const directory = lab.directory();
  const program = await lab.startProgram(compileProgram('unread_pipe'), {
    directory,
    fds: { 0: pipe.readEnd, 1: 'closed', 5: pipe.writeEnd, 300: `append:${directory}/far` },
  });
  const fds = program.tasks.fds(program.pid);
  t.deepEqual(
    [...fds].map(([fd, { target }]) => [fd, target]),
    [
      [0, pipe.name],
      [2, '/dev/null'],
      [5, pipe.name],
      [8, pipe.name],
      [300, `${directory}/far`],
    ],
  );
});

realTest('a restore that fails says why and leaves nothing running', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dir = await lab.dump(program);
  fs.rmSync(path.join(program.directory, 'log'));
  const error = await t.throwsAsync(lab.restore(dir), { instanceOf: CriuFailure });
  t.regex(error.message, /Can't open file .*log/);
  t.is(error.exitCode, 1);
  t.deepEqual(running(program.directory), []);
});

realTest('the end of a lab takes processes, mounts and directories with it', async (t) => {
  const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8');
  const lab = new Lab();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: (await lab.pipe()).writeEnd } });
  const hostPids = [...program.tasks.pids().values()];
  t.is(hostPids.length, 2);
  await lab.end();
  t.deepEqual(
    hostPids.filter((pid) => fs.existsSync(`/proc/${pid}`)),
    [],
  );
  t.false(fs.existsSync(program.directory));
  t.is(fs.readFileSync('/proc/self/mountinfo', 'utf8'), mounts);
});

realTest('a lab removes a directory only when nothing in its boxes writes there', async (t) => {
  const lab = new Lab();
  const box = await lab.box();
  const directory = lab.directory();
  const said = lab.scratch();
  const script = 'i=0; while mkdir -p "$0/$i"; do i=$((i + 1)); done';
  box.spawn(['sh', '-c', script, directory], { messages: said.fd, fds: { 1: said.fd } });
  while (fs.readdirSync(directory).length === 0) await sleep(5);
  await lab.end();
  t.false(fs.existsSync(directory));
});

realTest('a test process that is killed takes what it started with it', async (t) => {
  const script = `
    const { Lab } = require('./support/lab');
    const { compileProgram } = require('./support/compile');
    new Lab().startProgram(compileProgram('two_logs')).then((program) => console.log(program.directory));
  `;
  const child = spawn(process.execPath, ['-r', register, '-e', script], {
    cwd: __dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = (await once(child.stdout, 'data')) as [Buffer];
  const directory = said.toString().trim();
  t.is(running(directory).length, 1);
  child.kill('SIGKILL');
  await once(child, 'exit');
  for (let tries = 0; running(directory).length > 0 && tries < 200; tries++) await sleep(10);
  t.deepEqual(running(directory), []);
  sweep();
  t.false(fs.existsSync(directory));
});
