import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { type BatchJob, type BatchOptions, type BatchSummary, batch } from '../../src';
import { type Images, smallCheckpoint } from './directories';
import { encodeImage, type Record } from './images';

/** What smallCheckpoint has as fd 1 of both tasks. */
export const SPEC = 'fd[5]:pipe:[4711]';

/** Writes a checkpoint at that very place. */
export function putCheckpoint(directory: string, images: Images = smallCheckpoint()): void {
  fs.mkdirSync(directory, { recursive: true });
  for (const [name, content] of Object.entries(images)) {
    const bytes = Buffer.isBuffer(content) ? content : encodeImage(name, content as readonly Record[]);
    fs.writeFileSync(path.join(directory, name), bytes);
  }
}

export interface Ran {
  readonly summary: BatchSummary;
  readonly jobs: readonly BatchJob[];
  /** By name: status, with a word where an earlier run had done it, or why it was made again, or the error's code. */
  readonly told: { readonly [name: string]: string };
}

/** Runs a batch in this process, relative to `base`. */
export async function runBatch(options: Omit<BatchOptions, 'onJob'>): Promise<Ran> {
  const jobs: BatchJob[] = [];
  const summary = await batch({ jobs: 1, ...options, onJob: (job) => void jobs.push(job) });
  const words = ({ status, isEarlier, again, error }: BatchJob) =>
    [status, isEarlier ? 'EARLIER' : undefined, again, error?.code].filter((word) => word !== undefined).join(' ');
  return { summary, jobs, told: Object.fromEntries(jobs.map((job) => [job.name, words(job)])) };
}

/** A rewrite of all that the patterns, relative to `directory`, find there. */
export function rewriteAll(
  directory: string,
  patterns: readonly string[],
  more: Partial<Omit<BatchOptions, 'onJob'>> = {},
): Promise<Ran> {
  return runBatch({
    task: { what: 'rewrite', options: { specs: [SPEC] } },
    patterns: patterns.map((pattern) => below(directory, pattern)),
    base: directory,
    out: path.join(directory, 'out'),
    ...more,
  });
}

export function below(directory: string, pattern: string): string {
  return pattern.startsWith('!') ? `!${path.join(directory, pattern.slice(1))}` : path.join(directory, pattern);
}

/**
 * All that is below a directory: its path, what it is, modes, and what links say; without what a batch notes for
 * itself.
 */
export function outputsIn(root: string): string[] {
  return fs
    .readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name !== STATE && !name.startsWith(`${STATE}/`))
    .sort();
}

export const STATE = '.fdgraft-batch';

export interface RunOptions {
  readonly cwd: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Hears of the process, to do something to it. */
  readonly onStart?: (pid: number) => void;
}

export async function runBin(bin: string, args: readonly string[], { cwd, env, onStart }: RunOptions) {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<{ status: number | null; signal: NodeJS.Signals | null }>((resolve, reject) =>
    child.on('error', reject).on('close', (status, signal) => resolve({ status, signal })),
  );
  onStart?.(child.pid as number);
  const [stdout, stderr, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, ...end };
}

/** False where the process has ended by now. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}
