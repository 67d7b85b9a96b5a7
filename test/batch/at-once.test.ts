import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import type { BatchTask } from '../../src';
import { putCheckpoint, rewriteAll, runBin, SPEC, STATE } from '../support/batch';
import { bin } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';

/** A pod that is replaced while it still runs: the same command, started twice, makes what one alone makes. */

const CHECKPOINTS = 40;
const ROUNDS = 4;

const WAYS: { readonly [way: string]: readonly [string[], string[]] } = {
  directories: [
    ['rewrite', '--inherit-fd', SPEC],
    ['rewrite', '--inherit-fd', SPEC, '--drop-in-flight', '--link', 'copy'],
  ],
  archives: [
    ['rewrite', '--inherit-fd', SPEC, '--to', 'tar'],
    ['rewrite', '--inherit-fd', SPEC, '--to', 'tar', '--drop-in-flight'],
  ],
  files: [['ls'], ['ls', '--external']],
};

for (const [way, commands] of Object.entries(WAYS)) {
  test(`two runs at once that make ${way} again`, async (t) => {
    t.timeout(300_000);
    const directory = fs.realpathSync(temporaryDirectory(t));
    for (let i = 0; i < CHECKPOINTS; i += 1) putCheckpoint(path.join(directory, 'ck', String(i)));
    const run = (out: string, words: readonly string[]) =>
      runBin(bin, ['batch', ...words, path.join(directory, 'ck/*'), '--base', directory, '-o', out, '--jobs', '1'], {
        cwd: directory,
      });
    const wholes = commands.map((_, i) => `whole${i}`);
    for (const [i, words] of commands.entries()) await run(`whole${i}`, words);
    await run('out', commands[0]);
    for (let round = 1; round <= ROUNDS; round += 1) {
      const words = commands[round % 2] as string[];
      for (const { status, stderr } of await Promise.all([run('out', words), run('out', words), run('out', words)])) {
        t.is(status, 0, stderr);
      }
      // What is noted too.
      t.deepEqual(snapshot(path.join(directory, 'out')), snapshot(path.join(directory, wholes[round % 2] as string)));
      const { stderr } = await run('out', words);
      t.regex(stderr, new RegExp(`${CHECKPOINTS} done \\(${CHECKPOINTS} by an earlier run\\)`));
      const names = fs.readdirSync(path.join(directory, 'out'), { recursive: true, encoding: 'utf8' });
      t.deepEqual(
        names.filter((name) => /\.fdgraft-\d|\.aside|\.old/.test(name)),
        [],
      );
    }
  });
}

test.serial('another run clears away what this one has made to compare with, while it is read', async (t) => {
  const directory = fs.realpathSync(temporaryDirectory(t));
  putCheckpoint(path.join(directory, 'ck/a'));
  await rewriteAll(directory, ['ck/*']);
  // Without its record, the output is recognised by making it once more.
  fs.rmSync(path.join(directory, 'out', STATE), { recursive: true });
  const { readdirSync } = fs;
  t.teardown(() => Object.assign(fs, { readdirSync }));
  let cleared = 0;
  Object.assign(fs, {
    readdirSync: (place: string, options: object) => {
      const names = readdirSync(place, options);
      const real = fs.realpathSync(place);
      // Not while it is made, in a work directory.
      const isMade = real.includes('.aside/') && !/\.fdgraft-\d/.test(real);
      if (cleared === 0 && isMade && fs.existsSync(path.join(real, 'pages-1.img'))) {
        cleared += 1;
        fs.rmSync(path.join(real, 'pages-1.img'));
      }
      return names;
    },
  });
  const { told } = await rewriteAll(directory, ['ck/*']);
  t.is(cleared, 1);
  t.deepEqual(told, { 'ck/a': 'done EARLIER' });
});

const TASKS: readonly BatchTask[] = [
  { what: 'rewrite', options: { specs: [SPEC] } },
  { what: 'ls', options: {}, isJson: false },
];

for (const task of TASKS) {
  test.serial(
    `another run clears away the directory where ${task.what} begins to make what it compares with`,
    async (t) => {
      const directory = fs.realpathSync(temporaryDirectory(t));
      putCheckpoint(path.join(directory, 'ck/a'));
      await rewriteAll(directory, ['ck/*'], { task });
      fs.rmSync(path.join(directory, 'out', STATE), { recursive: true });
      const { readlinkSync } = fs;
      t.teardown(() => Object.assign(fs, { readlinkSync }));
      let cleared = 0;
      Object.assign(fs, {
        readlinkSync: (place: fs.PathLike, options: object) => {
          const real = fs.realpathSync(place);
          // The directory is open by now, and this call asks where it is.
          if (cleared === 0 && real.endsWith('.aside')) {
            cleared += 1;
            fs.rmSync(real, { recursive: true });
          }
          return readlinkSync(place, options);
        },
      });
      const { told } = await rewriteAll(directory, ['ck/*'], { task });
      t.is(cleared, 1);
      t.deepEqual(told, { 'ck/a': 'done EARLIER' });
    },
  );
}
