import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

interface CriuRoot {
  root: string;
  suite: string;
  version: string;
  criu: string[];
}

const { ensureCriuRoot } = require('../../../tools/criu-root.js') as {
  ensureCriuRoot(suite?: string): CriuRoot;
};
const { cacheDirectory } = require('../../../tools/cache-directory.js') as { cacheDirectory(): string };

export type RealCriu =
  | { available: true; criu: string[]; root: string; version: string }
  | { available: false; missing: string };

const known = new Map<string, RealCriu>();

function decide(suite: string): RealCriu {
  const { root, version, criu } = ensureCriuRoot(suite);
  const [loader, ...rest] = criu;
  if (loader === undefined) throw new Error(`no command starts the criu of ${root}`);
  const check = spawnSync(loader, [...rest, 'check'], { encoding: 'utf8' });
  if (check.status !== 0) {
    throw new Error(`this kernel does not do what criu ${version} needs: ${check.stderr.trim().split('\n').at(-1)}`);
  }
  loadNoPluginsOfTheHost();
  return { available: true, criu, root, version };
}

/** The criu of a root would take those of /usr/lib/criu, where somebody may have installed fdgraft's. */
function loadNoPluginsOfTheHost(): void {
  const none = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-no-plugins-'));
  fs.chmodSync(none, 0o755);
  process.once('exit', () => fs.rmdirSync(none));
  process.env.CRIU_LIBS_DIR = none;
}

/**
 * Whether tests with a real CRIU can run here, decided once for each suite. Makes the directory that holds CRIU where
 * it is not there yet. With CI set a CRIU that cannot run is a failure: those tests must not go missing unseen.
 */
export function realCriu(suite = process.env.FDGRAFT_CRIU_SUITE || 'trixie'): RealCriu {
  let answer = known.get(suite);
  if (!answer) {
    try {
      answer = decide(suite);
    } catch (error) {
      if (process.env.CI) throw error;
      answer = { available: false, missing: (error as Error).message.split('\n').join(' ') };
    }
    known.set(suite, answer);
  }
  return answer;
}

export { cacheDirectory };

/** One dump or restore at a time on this machine: the file that flock(1) locks. */
export function criuLock(): string {
  return `${cacheDirectory()}/criu.lock`;
}
