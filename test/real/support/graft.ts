import path from 'node:path';
import { openSource, type RewriteOptions, type RewriteResult, rewrite } from '../../../src';
import { checkRewritten } from '../../support/independent';
import { checkedBuild } from './checked-build';
import type { Lab, Restored, RestoreOptions } from './lab';
import type { Descriptor, Tasks } from './tasks';

export interface Grafted extends RewriteResult {
  out: string;
  restored: Restored;
}

/** Rewrites a dump and restores the result through fdgraft-exec and a stock CRIU. */
export async function graft(
  lab: Lab,
  dump: string,
  specs: RewriteOptions['specs'],
  options: RestoreOptions & { rewrite?: Partial<RewriteOptions> } = {},
): Promise<Grafted> {
  const out = options.rewrite?.out ?? path.join(lab.directory(), 'out');
  const result = await rewrite(await openSource(dump), { specs, out, ...options.rewrite });
  const problems = checkRewritten(dump, out);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return { ...result, out, restored: await restoreGrafted(lab, out, options) };
}

/** Restores a rewritten directory, wherever it is by now. */
export function restoreGrafted(lab: Lab, out: string, options: RestoreOptions = {}): Promise<Restored> {
  const prefix = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--'];
  return lab.restore(out, { ...options, prefix });
}

/** Numbers and close-on-exec of a task's descriptors: what a dup must not change. */
export function numbers(tasks: Tasks, pid: number): [number, boolean][] {
  return [...tasks.fds(pid)].map(([fd, { closeOnExec }]) => [fd, closeOnExec]);
}

export function descriptor(tasks: Tasks, pid: number, fd: number): Descriptor {
  const found = tasks.fds(pid).get(fd);
  if (found === undefined) throw new Error(`task ${pid} has no descriptor ${fd}`);
  return found;
}
