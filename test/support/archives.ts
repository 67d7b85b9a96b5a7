import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';

export * from './tar-blocks';

/** What tests of archives share. */

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): Record<string, string>;
};

/** A test that takes programs, by their names in tools/ensure-programs.js. Without them its title says what is missing. */
export function archiveTest(
  title: string,
  needs: string[],
  body: (t: ExecutionContext) => Promise<void> | void,
  define: (title: string, body: (t: ExecutionContext) => Promise<void> | void) => void = test,
): void {
  const [missing] = Object.values(ensurePrograms(needs));
  if (missing === undefined) {
    define(title, (t) => {
      t.timeout(180_000);
      return body(t);
    });
    return;
  }
  // These tests must not go missing unseen.
  if (process.env.CI) throw new Error(missing);
  test.skip(`${title} (${missing})`, (t) => t.fail());
}

/** Runs a program; what it says is the test's error where it fails. */
export function run(
  t: ExecutionContext,
  argv: readonly string[],
  options: { cwd?: string; input?: string } = {},
): Buffer {
  const [command, ...args] = argv as [string, ...string[]];
  const { status, stdout, stderr, error } = spawnSync(command, args, { ...options, maxBuffer: 1 << 30 });
  t.is(status, 0, `${argv.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** The bytes of an archive without its compression, by the programs for that. */
export function unpacked(t: ExecutionContext, file: string): Buffer {
  const begin = fs.readFileSync(file).subarray(0, 4).toString('hex');
  if (begin.startsWith('1f8b')) return run(t, ['gzip', '-dc', file]);
  if (begin === '28b52ffd') return run(t, ['zstd', '-dcq', file]);
  return fs.readFileSync(file);
}

/** A Go program below test/support, kept by content. */
export function goProgram(name: string): string {
  const source = path.join(__dirname, name);
  const hash = createHash('sha256').update(fs.readFileSync(source)).digest('hex');
  const built = path.join(__dirname, '../../native/build/test', `${path.basename(name, '.go')}-${hash.slice(0, 16)}`);
  if (fs.existsSync(built)) return built;
  fs.mkdirSync(path.dirname(built), { recursive: true });
  const partial = `${built}.${process.pid}`;
  const cache = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-go-'));
  const env = {
    ...process.env,
    GOFLAGS: '-mod=mod',
    GO111MODULE: 'off',
    CGO_ENABLED: '0',
    GOCACHE: process.env.GOCACHE ?? cache,
  };
  try {
    const { status, stderr, error } = spawnSync('go', ['build', '-o', partial, source], { env, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${source} does not compile: ${error?.message ?? stderr}`);
    fs.renameSync(partial, built);
  } finally {
    fs.rmSync(cache, { recursive: true, force: true });
  }
  return built;
}
