import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Commands that are killed, with all their children, or that meet an error at a chosen call; or that are killed at a moment. */

const CALLS = 4096;
const CALL_SIZE = 128;

const FLAGS = ['-std=c11', '-D_GNU_SOURCE', '-U_FORTIFY_SOURCE', '-O1', '-Wall', '-Wextra', '-Werror'];

/** at-call.c as a library, kept by content. */
function library(): string {
  const source = path.join(__dirname, 'at-call.c');
  const hash = createHash('sha256').update(FLAGS.join(' ')).update(fs.readFileSync(source)).digest('hex');
  const built = path.join(__dirname, '../../native/build/test', `at-call-${hash.slice(0, 16)}.so`);
  if (fs.existsSync(built)) return built;
  fs.mkdirSync(path.dirname(built), { recursive: true });
  const partial = `${built}.${process.pid}`;
  const command = [...FLAGS, '-shared', '-fPIC', '-o', partial, source, '-ldl'];
  const { status, stderr, error } = spawnSync('cc', command, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${source} does not compile: ${error?.message ?? stderr}`);
  fs.renameSync(partial, built);
  return built;
}

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  milliseconds: number;
  /** Whether a process of the group outlived the command. */
  hadSurvivors: boolean;
}

export interface Counted extends Ended {
  /** The calls 1, 2, …, each with the end of its path. */
  calls: string[];
}

type Command = readonly [string, ...string[]];

/** Runs a command to its end and says with which calls it changed what is in file systems. */
export function countWrites(command: Command): Promise<Counted> {
  return recorded(command, {});
}

/** Runs a command that is killed just before its call number `n`, with its children. */
export function killAt(n: number, command: Command): Promise<Counted> {
  return recorded(command, { FDGRAFT_CALL_NUMBER: String(n) });
}

/**
 * Runs a command to its end and says with which calls it reads or changes what is in `directory`, and the directory
 * itself.
 */
export function countCalls(directory: string, command: Command): Promise<Counted> {
  return recorded(command, { FDGRAFT_CALL_BELOW: directory });
}

/** Runs a command of whose calls that concern `directory` the one of number `n` fails with an error, by its name. */
export function failAt(n: number, error: ErrorName, directory: string, command: Command): Promise<Counted> {
  const number = String(os.constants.errno[error]);
  return recorded(command, {
    FDGRAFT_CALL_BELOW: directory,
    FDGRAFT_CALL_NUMBER: String(n),
    FDGRAFT_CALL_ERROR: number,
  });
}

export type ErrorName = keyof typeof os.constants.errno;

/** Runs a command; after that many milliseconds it is killed, with its children or alone, where it runs yet. */
export function killAfter(milliseconds: number, who: 'group' | 'leader', command: Command): Promise<Ended> {
  return ended(command, {}, (pid) => {
    const timer = setTimeout(() => send(who === 'group' ? -pid : pid), milliseconds);
    return () => clearTimeout(timer);
  });
}

const LOOK_EACH_MS = 2;

/** Runs a command that is killed, with its children, as soon as `isTime` says so. */
export function killWhen(isTime: () => boolean, command: Command): Promise<Ended> {
  return ended(command, {}, (pid) => {
    const timer = setInterval(() => {
      if (isTime()) send(-pid);
    }, LOOK_EACH_MS);
    return () => clearInterval(timer);
  });
}

/** Runs a command that nobody kills. */
export function leftAlone(command: Command): Promise<Ended> {
  return ended(command, {});
}

async function recorded(command: Command, wanted: NodeJS.ProcessEnv): Promise<Counted> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-at-call-'));
  try {
    const record = path.join(directory, 'record');
    fs.closeSync(fs.openSync(record, 'wx'));
    fs.truncateSync(record, CALL_SIZE * (CALLS + 1));
    const end = await ended(command, {
      LD_PRELOAD: library(),
      FDGRAFT_CALL_FILE: record,
      ...wanted,
      // What libuv gives to a ring goes past the library.
      UV_USE_IO_URING: '0',
    });
    return { ...end, calls: readCalls(record) };
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

function readCalls(record: string): string[] {
  const bytes = fs.readFileSync(record);
  const count = bytes.readUInt32LE(0);
  if (count > CALLS) throw new Error(`${count} calls are more than at-call.c has room for`);
  return Array.from({ length: count }, (_, i) => {
    const call = bytes.subarray(CALL_SIZE * (i + 1), CALL_SIZE * (i + 2));
    return call.subarray(0, call.indexOf(0)).toString();
  });
}

async function ended(
  [program, ...args]: Command,
  env: NodeJS.ProcessEnv,
  onStart: (pid: number) => () => void = () => () => {},
): Promise<Ended> {
  const started = performance.now();
  // A group of its own: who kills it must not kill us.
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const stop = child.pid === undefined ? () => {} : onStart(child.pid);
  child.once('exit', stop);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...how) => resolve(how));
  });
  const milliseconds = performance.now() - started;
  // A system call that had begun is carried out yet, after the command itself is gone.
  let hadSurvivors = false;
  while (isAlive(child.pid as number)) {
    hadSurvivors = true;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return { code, signal, ...said, milliseconds, hadSurvivors };
}

/** Whether a process of the group does anything yet. */
function isAlive(group: number): boolean {
  if (!send(-group, 0)) return false;
  // The ended ones that nobody has waited for are in the group, too.
  return fs.readdirSync('/proc').some((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
      const [state = '', , pgrp] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return Number(pgrp) === group && !'ZX'.includes(state);
    } catch {
      return false;
    }
  });
}

function send(pid: number, signal: NodeJS.Signals | 0 = 'SIGKILL'): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
