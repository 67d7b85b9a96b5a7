import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { build, directory } from '../support/native';
import { type Plan, writePlan } from '../support/planfile';

/** What the tests of the executor share. */

/** open(2) and fcntl(2) on x86, as images have them. */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  CREAT: 0o100,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  NONBLOCK: 0o4000,
  DSYNC: 0o10000,
  ASYNC: 0o20000,
  DIRECT: 0o40000,
  LARGEFILE: 0o100000,
  NOATIME: 0o1000000,
  SYNC: 0o4010000,
  PATH: 0o10000000,
  DIRECTORY: 0o200000,
} as const;

/** A word for give: a file opened with these flags. */
export function file(fd: number, flags: number, path: string): string {
  return `${fd}=file:${flags.toString(8)}:${path}`;
}

/** A directory that goes away with the test, with a plan in it. */
export function planned(t: ExecutionContext, plan: Plan): { directory: string; plan: string } {
  const own = scratch(t);
  return { directory: own, plan: writePlan(own, plan) };
}

/** A directory that goes away with the test. */
export function scratch(t: ExecutionContext): string {
  const { path, remove } = directory();
  t.teardown(remove);
  return path;
}

/** The lines on stderr, each checked to be one of fdgraft-exec's. */
export function complaints(t: ExecutionContext, stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '');
  for (const line of lines) t.true(line.startsWith('fdgraft-exec: '), line);
  return lines.map((line) => line.slice('fdgraft-exec: '.length));
}

/** Waits until a path is gone: the keeper removes its directory a moment after COMMAND ends. */
export async function gone(t: ExecutionContext, path: string): Promise<void> {
  t.not(path, '');
  for (let i = 0; i < 2000 && existsSync(path); i++) await sleep(10);
  t.false(existsSync(path), `${path} is still there`);
}

const OTHER_USER = 12345;

/** For a command whose user has a runtime directory that no other test uses; it can reach `directory`. */
export function nobody(
  t: ExecutionContext,
  directory: string,
): { as: string[]; runtime: string; env: Record<string, string> } {
  const runtime = join(scratch(t), 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  const env = { XDG_RUNTIME_DIR: runtime };
  if (process.getuid?.() !== 0) return { as: [], runtime, env };
  for (const path of [directory, join(runtime, '..')]) chmodSync(path, 0o755);
  chownSync(runtime, OTHER_USER, OTHER_USER);
  return { as: ['setpriv', `--reuid=${OTHER_USER}`, `--regid=${OTHER_USER}`, '--clear-groups'], runtime, env };
}

/** A copy of the two programs, so that what stands beside them is the test's. */
export function installed(own: string): string {
  const bin = join(own, 'bin');
  mkdirSync(bin);
  for (const name of ['fdgraft-exec', 'fdgraft.so']) copyFileSync(join(build(), name), join(bin, name));
  return bin;
}
