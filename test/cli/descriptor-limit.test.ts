import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { bin, copyPackage } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';

const canTest = process.platform === 'linux';
const linuxTest = canTest ? test : test.skip;

function withLimit(limit: number, words: readonly string[], cwd: string) {
  const quoted = [process.execPath, ...words].map((word) => `'${word}'`).join(' ');
  return spawnSync('sh', ['-c', `ulimit -n ${limit}; exec ${quoted}`], { cwd, encoding: 'utf8' });
}

/** The lowest limit with which Node.js itself runs a script that loads another one. */
function leastForNode(t: ExecutionContext): number {
  const directory = temporaryDirectory(t);
  fs.writeFileSync(path.join(directory, 'one.js'), "require('./other'); process.stdout.write('');");
  fs.writeFileSync(path.join(directory, 'other.js'), '');
  for (let limit = 8; limit < 64; limit += 1) if (withLimit(limit, ['one.js'], directory).status === 0) return limit;
  return 64;
}

function arrange(t: ExecutionContext): string {
  const directory = temporaryDirectory(t);
  for (const name of ['a', 'b']) putCheckpoint(path.join(directory, name));
  return directory;
}

/** Runs it with a limit: it does its work, or says that the limit is too low and leaves all as it was. */
function isDoneOrRefused(t: ExecutionContext, limit: number, words: readonly string[], fine: number): boolean {
  const directory = arrange(t);
  const before = snapshot(directory);
  const { status, stderr } = withLimit(limit, [bin, ...words], directory);
  if (status === fine) return true;
  t.is(status, 2, `${limit}: ${stderr}`);
  t.regex(stderr, /^fdgraft: this process (may open \d+ more files|has as many files open as it may)/, `${limit}`);
  t.regex(stderr, /\n {2}raise the limit of open files: ulimit -n 1024\n$/, `${limit}`);
  t.deepEqual(snapshot(directory), before, `${limit}`);
  t.deepEqual(fs.readdirSync(directory).sort(), ['a', 'b'], `${limit}`);
  return false;
}

const WORK: readonly (readonly [words: readonly string[], fine: number])[] = [
  [['ls', 'a'], 0],
  [['rewrite', 'a', '--in-place', '--inherit-fd', SPEC], 0],
  [['rewrite', 'a', '-o', 'out', '--inherit-fd', SPEC], 0],
  [['rewrite', 'a', '-o', 'out.tar.gz', '--to', 'tar.gz', '--inherit-fd', SPEC], 0],
  [['diff', 'a', 'b', '--ignore-ids'], 0],
  [['decode', 'a', '-o', 'out'], 0],
  [['show', 'a/files.img'], 0],
  [['x', 'a', 'mems'], 0],
  [['batch', 'ls', '*', '-o', 'out', '-j', '1'], 0],
];

/** So many more are open at the start of a command that yargs reads: it looks at the streams. */
const OF_THE_START = 3;

linuxTest('with too few descriptors a command does nothing, and says which limit to raise', (t) => {
  const least = leastForNode(t);
  const [first, second] = WORK as [(typeof WORK)[number], (typeof WORK)[number]];
  // Above this, each command does its work: other tests show that.
  let lowest = 40;
  for (let limit = 40; limit >= least; limit -= 1) if (isDoneOrRefused(t, limit, ...first)) lowest = limit;
  t.true(lowest < 40 && lowest > least, `${lowest}`);
  for (let limit = lowest - 1; limit >= least; limit -= 1) isDoneOrRefused(t, limit, ...second);
  // Where one begins, all others have what they need, or say that they have not.
  for (const [words, fine] of WORK) {
    isDoneOrRefused(t, lowest, words, fine);
    t.true(isDoneOrRefused(t, lowest + OF_THE_START, words, fine), words.join(' '));
    t.false(isDoneOrRefused(t, lowest - 1, words, fine), words.join(' '));
  }
});

linuxTest('a tree deeper than the limit is told by its own path, and nothing is left', (t) => {
  const directory = arrange(t);
  fs.mkdirSync(path.join(directory, 'a', ...Array(70).fill('d')), { recursive: true });
  const out = ['-o', 'out'];
  for (const more of [['--dry-run'], out, ['--in-place']]) {
    const words = ['rewrite', 'a', '--inherit-fd', SPEC, ...more];
    const { status, stderr } = withLimit(60, [bin, ...words], directory);
    t.is(status, 2);
    t.regex(
      stderr,
      /^fdgraft: (\/.*\/a\/d\/d\/.*: cannot be read|a: cannot be written): .* \(EMFILE\)\n {2}raise the limit/,
    );
    t.notRegex(stderr, /proc\/self/);
    t.deepEqual(fs.readdirSync(directory).sort(), ['a', 'b']);
  }
});

const BAD_PROGRAMS: readonly (readonly [what: string, content: string | undefined, mode: number, told: RegExp])[] = [
  ['is not there', undefined, 0, /needs .*fdgraft-exchange/],
  ['may not be executed', '', 0o644, /fdgraft-exchange cannot be started: permission denied \(EACCES\)/],
  ['is nothing to execute', '\x7fELF nonsense', 0o755, /fdgraft-exchange (cannot be started|ended with exit code)/],
  ['has no interpreter', '#!/no/such/program\n', 0o755, /cannot be started: it does not exist/],
  ['is killed', '#!/bin/sh\nkill -9 $$\n', 0o755, /was killed by SIGKILL/],
  ['does nothing, and says that it did', '#!/bin/sh\nexit 0\n', 0o755, /ended with exit code 0, and had not exchanged/],
  ['writes nonsense', '#!/bin/sh\necho x; echo x >&2; exit 250\n', 0o755, /ended with exit code 250, and had not/],
  ['has no memory', '#!/bin/sh\nexit 12\n', 0o755, /ENOMEM/],
];

for (const [what, content, mode, told] of BAD_PROGRAMS) {
  linuxTest(`a rewrite in place is refused, and leaves nothing, if fdgraft-exchange ${what}`, (t) => {
    const directory = arrange(t);
    const before = snapshot(directory);
    const own = temporaryDirectory(t);
    const copied = copyPackage(own);
    const program = path.join(own, 'native/build/fdgraft-exchange');
    fs.rmSync(program);
    if (content !== undefined) fs.writeFileSync(program, content);
    if (content !== undefined) fs.chmodSync(program, mode);
    const words = [copied, 'rewrite', 'a', '--in-place', '--inherit-fd', SPEC];
    // Where fdgraft is installed, another one is in PATH.
    const env = { ...process.env, PATH: '/nonexistent' };
    const { status, stderr } = spawnSync(process.execPath, words, { cwd: directory, encoding: 'utf8', env });
    t.is(status, 2, stderr);
    t.regex(stderr, told);
    t.regex(stderr, /^fdgraft: a: cannot be rewritten in place: .*\n {2}nothing was changed; .*\n$/);
    t.deepEqual(snapshot(directory), before);
    t.deepEqual(fs.readdirSync(directory).sort(), ['a', 'b']);
  });
}

linuxTest('a batch of more workers than the limit allows is told, not aborted', (t) => {
  const directory = arrange(t);
  for (let i = 0; i < 60; i += 1) putCheckpoint(path.join(directory, `more-${i}`));
  const { status, stderr } = withLimit(40, [bin, 'batch', 'ls', '*', '-o', 'out', '-j', '50'], directory);
  // A quick machine is done before it starts any.
  if (status !== 0) t.regex(stderr, /no worker could be started: .* \(EMFILE\)\n {2}raise the limit/);
  t.notRegex(stderr, /\n {4}at |MaxListeners/);
});
