import type { ExecutionContext } from 'ava';
import { folder } from '../support/native';
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

/** A folder that goes away with the test, with a plan in it. */
export function planned(t: ExecutionContext, plan: Plan): { folder: string; plan: string } {
  const own = scratch(t);
  return { folder: own, plan: writePlan(own, plan) };
}

/** A folder that goes away with the test. */
export function scratch(t: ExecutionContext): string {
  const { path, remove } = folder();
  t.teardown(remove);
  return path;
}

/** The lines on stderr, each checked to be one of fdgraft-exec's. */
export function complaints(t: ExecutionContext, stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '');
  for (const line of lines) t.true(line.startsWith('fdgraft-exec: '), line);
  return lines.map((line) => line.slice('fdgraft-exec: '.length));
}
