import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { realCriu } from './criu';

/** Runs CRIU's own crit on a copy of a folder, which is its current one. It sees nothing outside its root. */
export function crit(folder: string, args: readonly string[]) {
  const { root } = installed();
  const copy = fs.mkdtempSync(path.join(root, 'tmp', 'fdgraft-crit-'));
  try {
    for (const name of fs.readdirSync(folder)) {
      // Memory, and what the dump said: no explorer reads it.
      if (/^pages-|\.log$/.test(name) || !fs.statSync(path.join(folder, name)).isFile()) continue;
      fs.copyFileSync(path.join(folder, name), path.join(copy, name));
    }
    const inside = path.join('/tmp', path.basename(copy));
    const python = ['python3', '-B', '/usr/bin/crit', ...args.map((arg) => (arg === '.' ? inside : arg))];
    const { status, stdout, stderr, error } = spawnSync('chroot', [root, ...python], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    });
    if (error !== undefined) throw error;
    return { status, stdout, stderr };
  } finally {
    fs.rmSync(copy, { recursive: true, force: true });
  }
}

function installed() {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  return real;
}

/** pagemap_entry.nr_pages is field 5 since CRIU 4.2. */
export function critCountsInNewField(): boolean {
  const [, major = '0', minor = '0'] = /^(\d+)\.(\d+)/.exec(installed().version) ?? [];
  return Number(major) > 4 || (Number(major) === 4 && Number(minor) >= 2);
}
