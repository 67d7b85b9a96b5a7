import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/directories';
import { build } from '../support/native';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: readonly string[]): Record<string, string>;
};

/** Other compilers and another libc than those of the programs that all other tests run. */

const native = path.join(__dirname, '../../native');

/** A test that takes a compiler; where it is missing, a failure with CI=true and else a skip. */
function compilerTest(title: string, compiler: string, body: (t: ExecutionContext) => void): void {
  const missing = Object.values(ensurePrograms([compiler]));
  if (missing.length > 0 && process.env.CI === 'true') throw new Error(missing.join('\n'));
  (missing.length > 0 ? test.skip : test)(title, body);
}

/** Runs make with the programs in a directory of their own; the generated sources are those of the usual build. */
function make(t: ExecutionContext, out: string, words: readonly string[], cppflags = ''): void {
  build();
  const { status, stdout, stderr } = spawnSync('make', ['-s', '-C', native, `OUT=${out}`, ...words], {
    encoding: 'utf8',
    env: { ...process.env, CPPFLAGS: cppflags },
  });
  t.is(status, 0, stdout + stderr);
  t.is(stderr, '');
}

compilerTest('clang builds everything without a warning', 'clang', (t) => {
  const out = temporaryDirectory(t);
  make(t, out, ['CC=clang', 'all']);
  const version = execFileSync(path.join(out, 'fdgraft-exec'), ['--version'], { encoding: 'utf8' });
  t.regex(version, /^fdgraft-exec \d/);
});

/** Headers that musl takes from others: those of the kernel and of libprotobuf-c. */
const FOREIGN_HEADERS = ['linux', 'asm-generic', 'asm', 'google', 'protobuf-c'];

compilerTest('every source compiles with the headers of musl, as Alpine has them', 'musl-gcc', (t) => {
  const out = temporaryDirectory(t);
  const headers = path.join(out, 'headers');
  fs.mkdirSync(headers);
  const machine = execFileSync('cc', ['-print-multiarch'], { encoding: 'utf8' }).trim();
  for (const name of FOREIGN_HEADERS) {
    const place = [`/usr/include/${name}`, `/usr/include/${machine}/${name}`].find((each) => fs.existsSync(each));
    t.truthy(place, name);
    fs.symlinkSync(place as string, path.join(headers, name));
  }
  const sources = fs.readdirSync(path.join(native, 'src')).filter((name) => name.endsWith('.c'));
  const objects = sources.map((name) => path.join(out, 'obj', name.replace(/c$/, 'o')));
  make(t, out, ['CC=musl-gcc', ...objects], `-idirafter ${headers}`);
  for (const object of objects) t.true(fs.existsSync(object), object);
});
