import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';

const { whyStale } = require('../../tools/build.js') as {
  whyStale(sources: readonly string[]): string | undefined;
};

export const top = path.join(__dirname, '../..');

/** The command as users have it, built by `npm run build`, which `npm test` does first. */
export const bin = path.join(top, 'dist/cli/bin.js');

/** Its argv. */
export const command = [process.execPath, bin] as const;

/** What makes node load TypeScript. */
export const register = path.join(top, 'tools/register-typescript.js');

// An old build would test the sources of then.
const stale = whyStale(['src']);
if (stale !== undefined) throw new Error(`${stale}: run \`npm run build\` first`);

/** Copies the package, for tests that change it and for users who may not look into this directory; returns its command. */
export function copyPackage(directory: string): string {
  fs.cpSync(path.join(top, 'package.json'), path.join(directory, 'package.json'));
  for (const name of ['dist', 'native/build'])
    for (const file of fs.readdirSync(path.join(top, name), { withFileTypes: true }))
      if (file.name !== 'obj' && file.name !== 'sanitize')
        fs.cpSync(path.join(top, name, file.name), path.join(directory, name, file.name), { recursive: true });
  fs.chmodSync(directory, 0o755);
  return path.join(directory, path.relative(top, bin));
}

let free = os.availableParallelism();
const waiting: (() => void)[] = [];

/** Waits for its turn: all tests of a file begin at once, and each command takes a processor. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
  else free -= 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }
}

/** Runs the command in the project's directory, with nothing on stdin. */
export function runCommand(args: readonly string[]) {
  return inTurn(async () => {
    const child = spawn(process.execPath, [bin, ...args], { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    const status = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), status]);
    return { stdout, stderr, code };
  });
}
