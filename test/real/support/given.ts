/** Restores for a caller whose descriptors test/native/give.c makes, and programs/server.c afterwards. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, type RewriteOptions, rewrite } from '../../../src';
import { checkRewritten } from '../../support/independent';
import { helper } from '../../support/native';
import { checkedBuild } from './checked-build';
import type { Lab, Program, Restored } from './lab';
import type { Fds } from './spawn';

/** The option that CRIU needs if a peer is outside. */
export const OUTER = ['--ext-unix-sk'];

export interface Given {
  specs: RewriteOptions['specs'];
  /** Words for test/native/give.c: the caller's descriptors. */
  give: readonly string[];
  extraArgs?: readonly string[];
  dropInFlight?: boolean;
  /** Further descriptors of the caller, which `give` keeps. */
  callerFds?: Fds;
  /** What is restored, where it had a mount namespace. */
  program?: Program;
}

/** Rewrites a dump and restores it for a caller that has what `give` makes. */
export async function restoreGiven(
  lab: Lab,
  dump: string,
  { specs, give, extraArgs, dropInFlight, callerFds, program }: Given,
): Promise<Restored> {
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs, out, dropInFlight: dropInFlight ?? false });
  const problems = checkRewritten(dump, out);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const kept = Object.keys(callerFds ?? {}).map((fd) => `${fd}=kept`);
  const prefix = [
    helper('give'),
    ...kept,
    ...give,
    '--',
    path.join(checkedBuild(), 'fdgraft-exec'),
    '--plan',
    out,
    '--',
  ];
  return lab.restore(out, {
    prefix,
    extraArgs: extraArgs ?? [],
    callerFds: callerFds ?? {},
    ...(program === undefined ? {} : { program }),
  });
}

/** The bytes that a task of the program has read from a descriptor. */
export function readOf({ directory, pid }: Program, fd: number): string {
  return fs.readFileSync(path.join(directory, `read.${pid}.${fd}`), 'utf8');
}

/** Connects, says a line, and has the task accept and read it; checks what each has read. */
export async function talk(
  t: ExecutionContext,
  program: Program,
  { tasks }: Restored,
  at: string | number,
  fd: number,
): Promise<void> {
  const client = typeof at === 'string' ? net.connect(at) : net.connect(at, '127.0.0.1');
  await once(client, 'connect');
  client.write('hello\n');
  await tasks.signal(program.pid, 'SIGUSR2');
  const [answer] = (await once(client, 'data')) as [Buffer];
  t.is(answer.toString(), 'welcome\n');
  t.is(readOf(program, fd), 'hello\n');
  client.destroy();
}
