import { type ChildProcess, spawn } from 'node:child_process';
import os from 'node:os';
import { compileHelper } from './compile';

/**
 * What a descriptor of a started process is: one that this process has open, none at all, /dev/null, or a file.
 * pipe-read and pipe-write: that end of a new pipe, the other one of which Lab.pipeOf takes.
 * Files are opened in the mount namespace where the command runs: those of another one cannot be dumped.
 */
export type FdSource =
  | number
  | 'closed'
  | 'null'
  | 'pipe-read'
  | 'pipe-write'
  | `${'read' | 'write' | 'append' | 'update'}:${string}`;
/** By number. 0, 1 and 2 are /dev/null where nothing is said; every other number that is not named is closed. */
export type Fds = Readonly<Record<number, FdSource>>;

export interface PlaceOptions {
  /** Options of place.c. */
  place?: readonly string[];
  fds?: Fds;
  env?: NodeJS.ProcessEnv;
  /** Descriptor that messages go to while the command is not running yet. */
  messages: number;
  /** Argv that runs place in its turn. */
  wrap?: readonly string[];
}

/** Starts a command with exactly the descriptors that are named, whatever else this process has open. */
export function spawnWith(argv: readonly string[], options: PlaceOptions): ChildProcess {
  const fds: Record<number, FdSource> = { 0: 'null', 1: 'null', 2: 'null', ...options.fds };
  // node hands over 0 to 2 with changed flags, so what is passed travels above and place.c moves it.
  const stdio: (number | 'ignore')[] = ['ignore', 'ignore', options.messages];
  const moves: string[] = [];
  for (const [to, source] of Object.entries(fds)) {
    if (source === 'closed') continue;
    moves.push(`${to}=${typeof source === 'number' ? stdio.length : source}`);
    if (typeof source === 'number') stdio.push(source);
  }
  const command = [...(options.wrap ?? []), compileHelper('place'), ...(options.place ?? []), ...moves, '--', ...argv];
  return spawn(command[0] as string, command.slice(1), { stdio, env: options.env ?? process.env, cwd: '/' });
}

/** Waits for a child: its exit status, 128 + signal where a signal ended it. Kills it after the time given. */
export function ended(child: ChildProcess, seconds: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    const done = (code: number | null, signal: NodeJS.Signals | null) => {
      clearTimeout(timer);
      resolve(code ?? 128 + os.constants.signals[signal ?? 'SIGKILL']);
    };
    if (child.exitCode !== null || child.signalCode !== null) return done(child.exitCode, child.signalCode);
    child.once('exit', done);
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
