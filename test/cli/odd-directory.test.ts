import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { bin } from '../support/command';
import { temporaryDirectory } from '../support/directories';

/** A directory top/b\xff/in with the checkpoints ck/a and ck/c; \xff is no UTF-8, and a mount may refuse it. */
function arrange(t: ExecutionContext): { top: string; odd: Buffer } | undefined {
  const top = temporaryDirectory(t);
  const odd = Buffer.concat([Buffer.from(`${top}/b`), Buffer.of(0xff)]);
  try {
    fs.mkdirSync(odd);
  } catch {
    return undefined;
  }
  putCheckpoint(path.join(top, 'ck/a'));
  putCheckpoint(path.join(top, 'ck/c'));
  fs.mkdirSync(Buffer.concat([odd, Buffer.from('/in')]));
  fs.renameSync(path.join(top, 'ck'), Buffer.concat([odd, Buffer.from('/in/ck')]));
  return { top, odd };
}

function run(top: string, ...words: string[]) {
  const quoted = [process.execPath, bin, ...words].map((word) => `'${word}'`).join(' ');
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `cd b*/in && exec ${quoted}`], {
    cwd: top,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** What lies in top/b\xff/in, or below that. */
const names = (odd: Buffer, below = '') =>
  fs
    .readdirSync(Buffer.concat([odd, Buffer.from(`/in${below}`)]) as unknown as string)
    .filter((name) => name !== '.fdgraft-batch')
    .sort();

/** Nothing was made beside what was asked for: a directory with U+FFFD in its name, for one. */
function isAlone(t: ExecutionContext, top: string): void {
  t.deepEqual(fs.readdirSync(top, { encoding: 'latin1' }), ['b\xff']);
}

test('a batch works in a directory whose name is not UTF-8', (t) => {
  const made = arrange(t);
  if (made === undefined) return t.pass('the file system takes no such name');
  const { top, odd } = made;
  t.is(run(top, 'batch', 'ls', 'ck/*', '-o', 'lists').status, 0);
  t.deepEqual(names(odd, '/lists/ck'), ['a.ls.txt', 'c.ls.txt']);
  t.regex(run(top, 'batch', 'ls', 'ck/*', '-o', 'lists').stderr, /2 done \(2 by an earlier run\)/);
  t.is(run(top, 'batch', 'ls', '{ck/a,ck/c}', '!ck/c', '-o', 'first').status, 0);
  t.deepEqual(names(odd, '/first/ck'), ['a.ls.txt']);
  t.is(run(top, 'batch', 'rewrite', '**', '-o', 'out', '--inherit-fd', SPEC).status, 0);
  t.deepEqual(names(odd, '/out/ck'), ['a', 'c']);
  const proof = run(top, 'batch', 'diff', 'ck/a', 'ck/c', '--against', 'out', '--plan', 'out', '-o', 'proof');
  t.is(proof.status, 0, proof.stderr);
  t.is(run(top, 'batch', 'decode', '../in/ck/*', '--base', '..', '-o', 'json').status, 0);
  t.deepEqual(names(odd, '/json/in/ck'), ['a', 'c']);
  isAlone(t, top);
  const around = run(top, 'batch', 'ls', 'ck/*', '--base', top, '-o', 'lost');
  t.is(around.status, 2);
  t.regex(around.stderr, /ck\/a: failed: has a name that is not UTF-8/);
  const inside = run(top, 'batch', 'ls', 'out/ck/a', '-o', 'out');
  t.regex(inside.stderr, /lies inside out, where the outputs go/);
  isAlone(t, top);
});

test('so does every other command', (t) => {
  const made = arrange(t);
  if (made === undefined) return t.pass('the file system takes no such name');
  const { top, odd } = made;
  const spec = ['--inherit-fd', SPEC];
  const runs: readonly (readonly [status: number, ...words: string[]])[] = [
    [0, 'ls', 'ck/a'],
    [0, 'x', 'ck/a', 'ps'],
    [0, 'rewrite', 'ck/a', '-o', 'out', ...spec, '--save-plan', 'plan.json'],
    [0, 'rewrite', 'ck/a', '-o', 'out.tar', '--to', 'tar', ...spec],
    [1, 'diff', 'ck/a', 'out', '-o', 'difference'],
    // Once more, over what is there.
    [1, 'diff', 'ck/a', 'out', '-o', 'difference'],
    [0, 'decode', 'ck/c/files.img', '-o', 'files.json'],
    [0, 'decode', 'ck/c/files.img', '-o', 'files.json'],
    [0, 'encode', 'files.json', '-o', 'files.img'],
    [0, 'decode', 'ck/c', '-o', 'json'],
    [0, 'encode', 'json', '-o', 'back'],
    [0, 'rewrite', 'ck/a', '--dry-run', ...spec, '--save-plan', 'plan.json'],
    // The source is known as what it is.
    [2, 'rewrite', 'ck/a', '--dry-run', ...spec, '--save-plan', 'ck/a/plan.json'],
    [2, 'rewrite', 'ck/a', '-o', 'ck/a/out', ...spec],
    [2, 'diff', 'ck/a', 'ck/c', '-o', 'ck/c/difference'],
    [2, 'diff', 'ck/a', 'ck/c', '-o', 'ck/a/files.img'],
  ];
  const before = names(odd, '/ck/a');
  for (const [status, ...words] of runs) {
    const ran = run(top, ...words);
    t.is(ran.status, status, `${words.join(' ')}: ${ran.stderr}`);
  }
  t.deepEqual(names(odd, '/ck/a'), before);
  t.deepEqual(names(odd), [
    'back',
    'ck',
    'difference',
    'files.img',
    'files.json',
    'json',
    'out',
    'out.tar',
    'plan.json',
  ]);
  isAlone(t, top);
});
