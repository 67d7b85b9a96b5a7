import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { archiveOf, membersOf } from '../support/archives';
import { putCheckpoint, runBin, SPEC } from '../support/batch';
import { bin } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';

const CHECKPOINTS = 2000;
const FIRST = 500;

interface Taken {
  readonly jobs: number;
  readonly descriptors: number;
  readonly resident: number;
}

/** Loaded into the process that does the jobs: takes down, as each ends, what it has open and in memory. */
const WATCH = `
const fs = require('node:fs');
let jobs = 0;
const { write } = fs;
fs.write = function (fd, data, done, ...rest) {
  if (fd === 1 && done === 0 && String(data).includes('"job":')) {
    jobs += 1;
    if (jobs % 100 === 0) {
      const resident = Number(/^VmRSS:\\s*(\\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
      const descriptors = fs.readdirSync('/proc/self/fd').length;
      fs.appendFileSync(process.env.FDGRAFT_WATCHED, JSON.stringify({ jobs, descriptors, resident }) + '\\n');
    }
  }
  return write.call(this, fd, data, done, ...rest);
};`;

test('two thousand checkpoints leak neither descriptors nor memory', async (t) => {
  t.timeout(300_000);
  const directory = fs.realpathSync(temporaryDirectory(t));
  const first = path.join(directory, 'ck/0');
  putCheckpoint(first);
  const names = fs.readdirSync(first);
  const archive = path.join(directory, 'archive');
  fs.writeFileSync(archive, gzipSync(archiveOf(...membersOf(first))));
  // Links cost no space, and a batch only reads what they lead to.
  for (let i = 1; i < CHECKPOINTS; i += 1) {
    const copy = path.join(directory, `ck/${i}`);
    if (i % 2 === 1) fs.linkSync(archive, copy);
    else {
      fs.mkdirSync(copy);
      for (const name of names) fs.linkSync(path.join(first, name), path.join(copy, name));
    }
  }
  const watch = path.join(directory, 'watch.js');
  const watched = path.join(directory, 'watched');
  fs.writeFileSync(watch, WATCH);
  const words = ['batch', 'rewrite', 'ck/*', '-o', 'out', '--inherit-fd', SPEC, '--json', '--jobs', '1'];
  const env = { NODE_OPTIONS: `--require ${watch}`, FDGRAFT_WATCHED: watched };
  const { stdout, stderr, status } = await runBin(bin, words, { cwd: directory, env });
  t.is(status, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  t.is(lines.length, CHECKPOINTS + 1);
  t.like(JSON.parse(lines.at(-1) ?? ''), { summary: { total: CHECKPOINTS, done: CHECKPOINTS } });
  t.is(fs.readdirSync(path.join(directory, 'out/ck')).length, CHECKPOINTS);
  t.deepEqual(snapshot(path.join(directory, 'out/ck/1998')), snapshot(path.join(directory, 'out/ck/8')));
  const archives = [7, 1999].map((i) => fs.readFileSync(path.join(directory, `out/ck/${i}`)));
  t.true(archives[0]?.equals(archives[1] as Buffer));

  const taken = fs
    .readFileSync(watched, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Taken);
  t.is(taken.length, CHECKPOINTS / 100);
  const [early, late] = [taken.filter(({ jobs }) => jobs <= FIRST), taken.filter(({ jobs }) => jobs > FIRST)];
  const most = (of: readonly Taken[], what: 'descriptors' | 'resident') => Math.max(...of.map((one) => one[what]));
  // As many open at the end as at the beginning, but for what a moment has open.
  t.true(most(late, 'descriptors') <= most(early, 'descriptors') + 3, JSON.stringify(taken));
  // MiB. A leak of a buffer a job would be hundreds.
  t.true(most(late, 'resident') <= most(early, 'resident') + 24, JSON.stringify(taken));

  const again = await runBin(bin, words, { cwd: directory });
  t.is(again.status, 0, again.stderr);
  t.like(JSON.parse(again.stdout.trimEnd().split('\n').at(-1) ?? ''), { summary: { earlier: CHECKPOINTS } });
});
