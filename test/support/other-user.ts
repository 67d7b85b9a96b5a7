import { spawnSync } from 'node:child_process';
import test, { type ExecutionContext } from 'ava';

/** Root can act as somebody else, who has no capabilities and cannot get any. */
export const OTHER = 65534;

/** Words before a command that another user runs. */
export const asOther = [
  'setpriv',
  `--reuid=${OTHER}`,
  `--regid=${OTHER}`,
  '--clear-groups',
  '--bounding-set=-all',
  '--inh-caps=-all',
  '--no-new-privs',
  '--',
] as const;

const isRoot = process.geteuid?.() === 0;

/** For root: it alone can be two users. */
export function twoUsersTest(title: string, body: (t: ExecutionContext) => Promise<void> | void): void {
  const [program, ...words] = [...asOther, 'true'] as [string, ...string[]];
  const canRun = isRoot && spawnSync(program, words).status === 0;
  if (isRoot && !canRun && process.env.CI === 'true') throw new Error('setpriv of util-linux is missing');
  (canRun ? test : test.skip)(title, body);
}
