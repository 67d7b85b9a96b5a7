import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
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

interface Told {
  message: string;
  hint: string;
  code: string;
}

async function whatIsTold(t: ExecutionContext, place: string): Promise<Told> {
  const error = (await t.throwsAsync(openSource(place))) as unknown as Told;
  t.is(error.code, 'SOURCE_UNUSABLE');
  return error;
}

test('a directory of image directories names them', async (t) => {
  const top = temporaryDirectory(t);
  const NONE = /^give the directory that criu dump wrote/;
  fs.mkdirSync(path.join(top, 'empty'));
  t.regex((await whatIsTold(t, top)).hint, NONE);

  // A link leads anywhere, and three levels are too far.
  const elsewhere = path.join(temporaryDirectory(t), 'dump');
  putCheckpoint(elsewhere);
  fs.symlinkSync(elsewhere, path.join(top, 'link'));
  putCheckpoint(path.join(top, 'a/b/c'));
  t.regex((await whatIsTold(t, top)).hint, NONE);

  // As docker has the checkpoints of a container, and a pod those of its containers.
  putCheckpoint(path.join(top, 'checkpoints/second'));
  t.is((await whatIsTold(t, top)).hint, `the image directory in it is ${top}/checkpoints/second: give that`);
  putCheckpoint(path.join(top, 'checkpoints/first'));
  putCheckpoint(path.join(top, 'web/checkpoint'));
  putCheckpoint(path.join(top, 'odd\x1bname'));
  const names = ['checkpoints/first', 'checkpoints/second', 'odd\\x1bname', 'web/checkpoint'];
  const all = names.map((name) => `${top}/${name}`).join(', ');
  t.is(
    (await whatIsTold(t, top)).hint,
    `the image directories in it are ${all}: give one of them; fdgraft batch takes many`,
  );
  for (let i = 0; i < 8; i += 1) putCheckpoint(path.join(top, `more/${i}`));
  t.regex(
    (await whatIsTold(t, top)).hint,
    /^the image directories in it are [^ ]+(, [^ ]+){4} and more: give one of them; fdgraft batch takes many$/,
  );
});

test('a directory with very many others is looked at no further than it needs', async (t) => {
  const top = temporaryDirectory(t);
  for (let i = 0; i < 1100; i += 1) fs.mkdirSync(path.join(top, String(i)));
  const opened: string[] = [];
  const { opendirSync } = fs;
  fs.opendirSync = ((place: string) => {
    if (String(place).startsWith(top)) opened.push(place);
    return opendirSync(place);
  }) as typeof fs.opendirSync;
  t.teardown(() => {
    fs.opendirSync = opendirSync;
  });
  t.regex((await whatIsTold(t, top)).hint, /^give the directory that criu dump wrote/);
  t.true(opened.length > 0 && opened.length < 10, opened.slice(0, 20).join(' '));
});

test('a container image is called that, as a directory and as an archive', async (t) => {
  const LAYER = 'give the layer that holds the checkpoint: a tar archive in blobs/sha256, or one called layer.tar';
  for (const names of [
    ['oci-layout', 'index.json', 'blobs/sha256/0123'],
    ['manifest.json', 'repositories', '0123/layer.tar'],
  ]) {
    const directory = temporaryDirectory(t);
    const files = names.map((name) => ({ name, body: Buffer.from('{}') }));
    for (const { name, body } of files) {
      fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
      fs.writeFileSync(path.join(directory, name), body);
    }
    t.like(await whatIsTold(t, directory), {
      message: `${directory}: is a container image, not a checkpoint`,
      hint: LAYER,
    });
    const archive = path.join(temporaryDirectory(t), 'image.tar');
    for (const prefix of ['', './']) {
      fs.writeFileSync(archive, archiveOf(...files.map(({ name, body }) => ({ name: prefix + name, body }))));
      t.like(await whatIsTold(t, archive), {
        message: `${archive}: is a container image, not a checkpoint`,
        hint: `unpack it and ${LAYER}`,
      });
    }
  }
  // A manifest alone is that of anything.
  const directory = temporaryDirectory(t);
  fs.writeFileSync(path.join(directory, 'manifest.json'), '{}');
  t.regex((await whatIsTold(t, directory)).message, /has no inventory\.img/);
});
