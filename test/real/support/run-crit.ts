import { spawnSync } from 'node:child_process';
import { realCritCommand, realVersion } from './crit';

/** Runs CRIU's own crit on a directory, which is its current one. */
export function crit(directory: string, args: readonly string[]) {
  const [command = '', ...words] = realCritCommand();
  const { status, stdout, stderr, error } = spawnSync(command, [...words, ...args], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return { status, stdout, stderr };
}

/** pagemap_entry.nr_pages is field 5 since CRIU 4.2. */
export function critCountsInNewField(): boolean {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(realVersion()) ?? [];
  return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 2);
}
