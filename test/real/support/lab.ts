import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { until } from '../../support/until';
import { Box } from './box';
import { criuLock, realCriu } from './criu';
import { openLinks } from './open-links';
import { Pipe } from './pipe';
import { ended, type Fds } from './spawn';
import type { Tasks } from './tasks';
import { makeTemp, removeTemp } from './temp';

// The first pid of dumped trees: well above those that criu itself takes in the namespace of a restore.
const FIRST_PID = 14716;

export type Namespace = 'user' | 'pid' | 'mount' | 'uts' | 'ipc' | 'net';

export interface StartOptions {
  fds?: Fds;
  args?: readonly string[];
  /** New ones for the tree. With mount, its directory is its root. CRIU wants mount and pid where there is user. */
  namespaces?: readonly Namespace[];
  /** Its user namespace has 65536 ids, which are those from this one on outside; without it there is root alone. */
  firstId?: number;
  /** Its working directory, which must be empty; a fresh one unless told. */
  directory?: string;
  /** Pid of the root task; FIRST_PID unless told. */
  firstPid?: number;
  /** Words before the program, of a command that becomes it: setpriv with what it is to run as. */
  as?: readonly string[];
}

export interface Program {
  /** Pid of the root task as pstree.img will have it: what tasks.fds and the like take. */
  pid: number;
  /** Its pid for criu's -t: another one where it has a pid namespace of its own. */
  dumpPid: number;
  /** Its working directory, seen from here. Stays until the lab ends, for the restore. */
  directory: string;
  tasks: Tasks;
  box: Box;
  namespaces: readonly Namespace[];
}

export interface RestoreOptions {
  /** Command before criu's, such as ['fdgraft-exec', '--plan', dir, '--']. */
  prefix?: readonly string[];
  /** The program that takes criu's words in its place. */
  command?: readonly string[];
  /** The caller's descriptors, by number. 1 and 2 collect what the command says unless told. */
  callerFds?: Fds;
  extraArgs?: readonly string[];
  /** What is restored, where it had a mount namespace: its directory is the root again. */
  program?: Program;
  env?: NodeJS.ProcessEnv;
}

export interface Restored {
  tasks: Tasks;
  /** What the command wrote to stdout and stderr. */
  output: string;
  end(): Promise<void>;
}

/** A command with criu in it that did not end with 0. */
export class CriuFailure extends Error {
  constructor(
    what: string,
    readonly exitCode: number,
    readonly output: string,
    readonly log: string,
  ) {
    const tail = log.trimEnd().split('\n').slice(-25).join('\n');
    super(`${what} ended with ${exitCode}\n${output.trimEnd()}\n${tail}`);
  }
}

/** All that one test starts, makes and opens. end() frees it, whatever became of the test. */
export class Lab {
  private readonly frees: (() => unknown)[] = [];
  private readonly boxes: Box[] = [];

  /** t: the test; the lab ends with it. suite: the Debian whose criu it uses, as realCriu takes it. */
  constructor(
    t?: { teardown(fn: () => Promise<void>): void },
    private readonly suite?: string,
  ) {
    t?.teardown(() => this.end());
  }

  /** Boxes end before any directory goes: processes in them may still write there. */
  async end(): Promise<void> {
    const errors: unknown[] = [];
    const boxes = this.boxes.splice(0).map((box) => () => box.end());
    for (const free of [...boxes.reverse(), ...this.frees.splice(0).reverse()]) {
      try {
        await free();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** Called when the lab ends. */
  onEnd(free: () => unknown): void {
    this.frees.push(free);
  }

  directory(): string {
    const directory = makeTemp();
    this.frees.push(() => removeTemp(directory));
    return directory;
  }

  async pipe(): Promise<Pipe> {
    const pipe = await Pipe.open();
    this.frees.push(() => pipe.close());
    return pipe;
  }

  /** The pipe that a task of a program has at a descriptor. */
  pipeOf(program: Program, fd: number): Pipe {
    const pipe = Pipe.of(program.tasks.hostPid(program.pid), fd);
    this.frees.push(() => pipe.close());
    return pipe;
  }

  /** fs.openSync, closed when the lab ends. */
  open(file: string, flags: string | number): number {
    const fd = fs.openSync(file, flags);
    this.frees.push(() => fs.closeSync(fd));
    return fd;
  }

  /** A box that ends with the lab. */
  async box(firstPid = 0): Promise<Box> {
    const box = await Box.open(firstPid);
    this.boxes.push(box);
    return box;
  }

  /** Starts a program, alone in a session, without environment, and waits until it says that it is ready. */
  async startProgram(binary: string, options: StartOptions = {}): Promise<Program> {
    const directory = options.directory ?? this.directory();
    const namespaces = options.namespaces ?? [];
    const firstPid = options.firstPid ?? FIRST_PID;
    const name = path.basename(binary).replace(/-[0-9a-f]{16}$/, '');
    fs.copyFileSync(binary, path.join(directory, name));
    fs.chmodSync(path.join(directory, name), 0o755);

    const place = ['--session', '--bare'];
    if (namespaces.length > 0) place.push('--namespaces', namespaces.join(','));
    if (options.firstId !== undefined) place.push('--first-id', String(options.firstId));
    const rooted = namespaces.includes('mount');
    if (rooted) {
      makeRoot(directory);
      if (options.firstId !== undefined) fs.chownSync(directory, options.firstId, options.firstId);
      place.push('--root', directory, '--chdir', '/');
    } else {
      place.push('--chdir', directory);
    }
    const box = await this.box(firstPid);
    const said = this.scratch();
    const binaryThere = rooted ? `/${name}` : path.join(directory, name);
    const child = box.spawn([...(options.as ?? []), binaryThere, ...(options.args ?? [])], {
      place,
      messages: said.fd,
      fds: options.fds ?? {},
    });
    let status: number | undefined;
    void ended(child, 3600).then((code) => {
      status = code;
    });
    await until(`a ready ${name}`, () => {
      if (status !== undefined) throw new Error(`${name} ended with ${status} before it was ready: ${said.read()}`);
      return fs.existsSync(path.join(directory, 'ready')) && !hasOpen(box.tasks, '/ready');
    });
    const own = namespaces.includes('pid');
    // The process that made the namespaces waits for process 1 of the new one, and ends with it.
    if (own) box.leaveOut(box.tasks.hostPid(firstPid));
    return {
      pid: own ? 1 : firstPid,
      // What maps many ids takes a pid before it.
      dumpPid: own ? firstPid + (options.firstId === undefined ? 1 : 2) : firstPid,
      directory,
      tasks: box.tasks,
      box,
      namespaces,
    };
  }

  /** Dumps a program into a directory, a fresh one unless told, and returns that. The tree is gone then. */
  async dump(
    program: Program,
    options: Pick<RestoreOptions, 'prefix' | 'command' | 'extraArgs'> & { dir?: string } = {},
  ): Promise<string> {
    const dir = options.dir ?? this.directory();
    const args = [
      'dump',
      '-t',
      String(program.dumpPid),
      '-D',
      dir,
      '-o',
      'dump.log',
      '-v4',
      ...(options.extraArgs ?? []),
    ];
    if (program.namespaces.includes('mount')) args.push('--root', program.directory);
    const { prefix = [], command } = options;
    const who = command === undefined ? { prefix } : { prefix, command };
    await this.criu(program.box, args, path.join(dir, 'dump.log'), who);
    if (!options.extraArgs?.includes('--leave-running')) await program.box.end();
    return dir;
  }

  /** Restores a dump in a pid namespace of its own, in the background (-d). */
  async restore(dir: string, options: RestoreOptions = {}): Promise<Restored> {
    const box = await this.box();
    const args = ['restore', '-D', dir, '-d', '-o', 'restore.log', '-v4', ...(options.extraArgs ?? [])];
    if (options.program?.namespaces.includes('mount')) args.push('--root', options.program.directory);
    const output = await this.criu(box, args, path.join(dir, 'restore.log'), options);
    return { tasks: box.tasks, output, end: () => box.end() };
  }

  private async criu(box: Box, args: string[], log: string, options: RestoreOptions): Promise<string> {
    const real = realCriu(this.suite);
    if (!real.available) throw new Error(real.missing);
    const said = this.scratch();
    const child = box.spawn([...(options.prefix ?? []), ...(options.command ?? real.criu), ...args], {
      messages: said.fd,
      fds: { 1: said.fd, 2: said.fd, ...options.callerFds },
      env: options.env ?? process.env,
      wrap: ['flock', '-o', '-w', '300', '-E', '124', criuLock()],
    });
    const status = await ended(child, 420);
    if (status !== 0) {
      await box.keepersEnd();
      await box.end();
      throw new CriuFailure(`${options.prefix?.[0] ?? 'criu'} … ${args[0]}`, status, said.read(), read(log));
    }
    return said.read();
  }

  /** A file without a name in any directory that a test looks at, for what a command says. */
  scratch(): { fd: number; read(): string } {
    const file = path.join(this.directory(), 'said');
    return { fd: this.open(file, 'a'), read: () => read(file) };
  }
}

function read(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a directory needs to be a root for a program: a place for /proc and a /dev/null. */
function makeRoot(directory: string): void {
  fs.mkdirSync(path.join(directory, 'proc'));
  fs.mkdirSync(path.join(directory, 'dev'));
  const { status, stderr } = spawnSync('mknod', ['-m', '666', path.join(directory, 'dev/null'), 'c', '1', '3'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`no /dev/null in ${directory}: ${stderr}`);
}

/** Whether a task has a file open: between its making and its closing, the descriptors are not yet those to come. */
function hasOpen(tasks: Tasks, end: string): boolean {
  return [...tasks.pids().values()].some((pid) => openLinks(pid).some((link) => link.endsWith(end)));
}
