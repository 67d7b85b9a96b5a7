import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { bin } from '../support/command';
import { temporaryDirectory } from '../support/directories';

/** The current directory was removed, as happens to shells and to jobs of a scheduler. */

const CK = 'CHECKPOINT';
/** It has no images of memory and registers. */
const WARNING = /^warning: core-\S+ .* are missing: .*\n$/;

for (const { words, status, stderr = /^$/ } of [
  { words: ['--help'], status: 0 },
  { words: ['ls', '--help'], status: 0 },
  { words: ['--get-yargs-completions', 'fdgraft', 'ls', '--'], status: 0 },
  { words: ['completion', 'bash'], status: 0 },
  { words: [], status: 2, stderr: /a command is missing/ },
  { words: ['ls'], status: 2, stderr: /is missing/ },
  { words: ['ls', '--nope', CK], status: 2, stderr: /nope/ },
  { words: ['ls', CK], status: 0, stderr: WARNING },
  { words: ['diff', CK, CK], status: 0 },
  { words: ['rewrite', CK, '--dry-run', '--inherit-fd', SPEC], status: 0, stderr: WARNING },
  ...[
    ['batch', 'ls', CK, '--out', `${CK}-lists`],
    ['batch', 'ls', 'some/*', '--out', 'lists'],
    ['decode', CK, '-o', 'json'],
    ['decode', '-i', `${CK}/files.img`, '-o', 'json'],
    ['rewrite', CK, '-o', 'out', '--inherit-fd', SPEC],
    ['rewrite', CK, '-o', `${CK}-out`, '--save-plan', 'plan', '--inherit-fd', SPEC],
    ['ls', '.'],
    ['ls', 'checkpoint'],
  ].map((words) => ({ words, status: 2, stderr: /the current directory was removed/ })),
]) {
  test(`in a directory that was removed: fdgraft ${words.join(' ')}`, (t) => {
    const parent = temporaryDirectory(t);
    const checkpoint = path.join(parent, 'checkpoint');
    putCheckpoint(checkpoint);
    const cwd = path.join(parent, 'cwd');
    fs.mkdirSync(cwd);
    const command = [process.execPath, bin, ...words.map((word) => word.replace(CK, checkpoint))];
    const run = spawnSync('sh', ['-c', 'rmdir "$0" && exec "$@"', cwd, ...command], { cwd, encoding: 'utf8' });
    t.is(run.status, status, run.stderr);
    t.regex(run.stderr, stderr);
    t.notRegex(run.stderr, /\bat \S+ \(/);
    t.deepEqual(fs.readdirSync(parent), ['checkpoint']);
  });
}
