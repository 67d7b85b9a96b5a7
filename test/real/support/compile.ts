import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import * as path from 'node:path';

const { cacheDirectory } = require('../../../tools/cache-directory.js') as { cacheDirectory(): string };

const PROGRAMS = path.resolve(__dirname, '../../../fixtures/programs');
// Static and stripped: a dump then holds few pages and names no library of this machine, and the same binary runs
// with another root.
const FLAGS = ['-O1', '-g0', '-static', '-s', '-Wall', '-Wextra', '-Werror'];

function compile(source: string): string {
  const directory = path.dirname(source);
  const name = path.basename(source, '.c');
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const file of [
    source,
    // Helpers may include what the fixture programs share.
    ...fs
      .readdirSync(PROGRAMS)
      .filter((entry) => entry.endsWith('.h'))
      .map((entry) => path.join(PROGRAMS, entry)),
  ]) {
    hash.update(fs.readFileSync(file));
  }
  // Kept by content, so that each source is compiled once whatever the number of test processes.
  const build = path.join(cacheDirectory(), 'programs');
  const binary = path.join(build, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (fs.existsSync(binary)) return binary;
  fs.mkdirSync(build, { recursive: true });
  const partial = `${binary}.${process.pid}.${process.hrtime.bigint()}`;
  // In its own directory and by its bare name: no path of this machine gets into the binary.
  const { status, stderr, error } = spawnSync('cc', [...FLAGS, '-o', partial, path.basename(source)], {
    cwd: directory,
    encoding: 'utf8',
  });
  if (status !== 0) {
    fs.rmSync(partial, { force: true });
    throw new Error(
      `${source} does not compile (a C compiler and the static C library are needed): ${error?.message ?? stderr}`,
    );
  }
  fs.renameSync(partial, binary);
  return binary;
}

/** The binary of fixtures/programs/NAME.c. */
export function compileProgram(name: string): string {
  return compile(path.join(PROGRAMS, `${name}.c`));
}

/** The binary of NAME.c beside this file. */
export function compileHelper(name: string): string {
  return compile(path.join(__dirname, `${name}.c`));
}
