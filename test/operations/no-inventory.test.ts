import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openSource } from '../../src';
import { archiveOf, membersOf } from '../support/archives';
import { putCheckpoint, runBatch } from '../support/batch';
import { temporaryDirectory } from '../support/directories';

/** CRIU writes inventory.img last: a directory of images without it is a dump that did not finish. */

const failed = (time: string, text: string) => `(${time}) Error (criu/cr-dump.c:1): ${text}\n`;

test('a dump that did not finish is called that, with the last errors of its log', async (t) => {
  const directory = path.join(temporaryDirectory(t), 'dump');
  putCheckpoint(directory);
  fs.rmSync(path.join(directory, 'inventory.img'));
  const log = path.join(directory, 'dump.log');
  const told = async (message: RegExp, hint: RegExp) => {
    for (const exact of [true, false]) {
      const error = await t.throwsAsync(openSource(directory, { exact }), { message });
      t.like(error, { code: 'SOURCE_UNUSABLE', exitCode: 2 });
      t.regex((error as unknown as { hint: string }).hint, hint);
      t.true((error?.message.length ?? 0) < 1000);
    }
  };
  await told(/no inventory\.img, which CRIU writes last, so its dump did not finish$/, /wait if criu dump still runs/);
  fs.writeFileSync(
    log,
    `${failed('00.1', 'first')}${failed('00.2', 'last \x1b[31m\xff')}(00.3) Unlock network\n`,
    'latin1',
  );
  await told(
    /the last errors in .*dump\.log: \(00\.1\) Error \(criu\/cr-dump\.c:1\): first; \(00\.2\) Error \(criu\/cr-dump\.c:1\): last \\x1b\[31m\\xff$/,
    /dump again$/,
  );
  // The summary names no cause, and errors long before the last ones are others.
  const errors = ['long before', 'cause', 'its caller', 'another caller', 'Dumping FAILED.'];
  fs.writeFileSync(log, errors.map((text, i) => failed(`00.${i}`, text)).join(''));
  await told(
    /dump\.log: \(00\.1\) Error .*: cause; \(00\.2\) .*: its caller; \(00\.3\) .*: another caller$/,
    /dump again$/,
  );
  fs.writeFileSync(log, failed('00.1', 'Dumping FAILED.'));
  await told(/dump\.log: \(00\.1\) Error .*: Dumping FAILED\.$/, /dump again$/);
  // A long log, and a long line at its end.
  fs.writeFileSync(log, `${failed('00.1', 'far away')}${'(00.2) page\n'.repeat(100_000)}`);
  await told(/did not finish$/, /look into .*dump\.log, and dump again/);
  fs.appendFileSync(log, `(00.3) Error (x.c:1): ${'x'.repeat(10_000)}`);
  await told(/dump\.log: \(00\.3\) Error \(x\.c:1\): x+$/, /dump again$/);
  fs.rmSync(log);
  fs.mkdirSync(log);
  await told(/did not finish$/, /look into/);
  fs.rmdirSync(log);
  const { jobs } = await runBatch({
    task: { what: 'ls', options: {}, isJson: false },
    patterns: [directory],
    base: path.dirname(directory),
    out: path.join(path.dirname(directory), 'out'),
  });
  t.regex(jobs[0]?.error?.message ?? '', /its dump did not finish/);
});

test('in what podman makes the log lies beside the images', async (t) => {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'checkpoint'));
  fs.rmSync(path.join(directory, 'checkpoint/inventory.img'));
  fs.writeFileSync(path.join(directory, 'dump.log'), failed('00.1', 'stopped'));
  await t.throwsAsync(openSource(directory), {
    message: /did not finish; the last errors in .*: \(00\.1\) Error .*: stopped$/,
  });
  const archive = path.join(directory, 'archive');
  fs.writeFileSync(archive, archiveOf(...membersOf(path.join(directory, 'checkpoint'), 'checkpoint/')));
  await t.throwsAsync(openSource(archive), { message: /has images but no inventory\.img/ });
});

test('a directory without images is not called a dump', async (t) => {
  const directory = temporaryDirectory(t);
  fs.writeFileSync(path.join(directory, 'dump.log'), failed('00.1', 'stopped'));
  fs.writeFileSync(path.join(directory, 'disk.img'), '');
  const error = await t.throwsAsync(openSource(directory), {
    message: /has no inventory\.img, so it is not an image directory/,
  });
  t.regex((error as unknown as { hint: string }).hint, /give the directory that criu dump wrote/);
});
