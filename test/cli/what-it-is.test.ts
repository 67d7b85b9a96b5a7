import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { bin } from '../support/command';
import { temporaryDirectory } from '../support/directories';

// Each command says what it was given where that is not what it takes, and which command takes it.

function run(cwd: string, words: readonly string[], input?: Buffer) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bin, ...words], {
    cwd,
    encoding: 'utf8',
    ...(input === undefined ? {} : { input }),
  });
  return { status, stdout, stderr };
}

/** ckpt and old, which has no first magics, ckpt.tar, their JSON in json and json.tar, and what a rewrite made. */
function arrange(t: ExecutionContext): string {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'ckpt'));
  for (const words of [
    ['decode', 'ckpt', '-o', 'json'],
    ['decode', 'ckpt', '--to', 'tar', '-o', 'json.tar'],
    ['rewrite', 'ckpt', '--to', 'tar.gz', '-o', 'out.tar.gz', '--inherit-fd', SPEC],
    ['rewrite', 'ckpt', '-o', 'out', '--inherit-fd', SPEC],
  ]) {
    t.is(run(directory, words).status, 0, words.join(' '));
  }
  // The oldest format begins with the magic of the image itself.
  fs.writeFileSync(
    path.join(directory, 'old.img'),
    fs.readFileSync(path.join(directory, 'ckpt/files.img')).subarray(4),
  );
  return directory;
}

const DECODE_FIRST = /make the JSON first: fdgraft decode/;
const ENCODE_FIRST = /make the images first: fdgraft encode|make the image first: fdgraft encode/;

test('an image where JSON belongs, and JSON where an image belongs, is named, with the command that takes it', (t) => {
  const directory = arrange(t);
  const json = 'json/files.img.json';
  fs.writeFileSync(path.join(directory, 'marked'), `\ufeff${fs.readFileSync(path.join(directory, json), 'utf8')}`);
  const spaced = JSON.stringify(JSON.parse(fs.readFileSync(path.join(directory, json), 'utf8')), null, 2);
  fs.writeFileSync(path.join(directory, 'spaced'), `\n ${spaced}`);
  const cases: readonly (readonly [words: readonly string[], told: RegExp, hint: RegExp])[] = [
    [['encode', 'ckpt/files.img'], /^fdgraft: ckpt\/files\.img: is an image, and encode takes the JSON/, DECODE_FIRST],
    [['encode', '-i', 'ckpt/inventory.img', '-o', 'x'], /ckpt\/inventory\.img: is an image/, DECODE_FIRST],
    [['encode', 'old.img'], /old\.img: is an image/, DECODE_FIRST],
    [['encode', 'out/inherit-plan.img'], /inherit-plan\.img: is an image/, DECODE_FIRST],
    [
      ['encode', 'ckpt', '-o', 'x'],
      /^fdgraft: ckpt: holds images, and encode takes the JSON/,
      /fdgraft decode ckpt -o/,
    ],
    [['encode', 'out.tar.gz', '-o', 'x'], /out\.tar\.gz: holds images/, /fdgraft decode out\.tar\.gz -o/],
    [['decode', json], /^fdgraft: json\/files\.img\.json, offset 0: is JSON, and an image belongs here/, ENCODE_FIRST],
    [['decode', 'marked'], /marked, offset 0: is JSON/, ENCODE_FIRST],
    [['decode', 'spaced'], /spaced, offset 0: is JSON/, ENCODE_FIRST],
    [['decode', 'json', '-o', 'x'], /^fdgraft: json: holds the JSON that decode makes/, /fdgraft encode json -o OUT/],
    [['decode', 'json.tar', '-o', 'x'], /json\.tar: holds the JSON/, /fdgraft encode json\.tar -o OUT/],
    [['info', json], /is JSON, and an image/, ENCODE_FIRST],
    [['show', json], /is JSON, and an image/, ENCODE_FIRST],
    [['diff', json, json], /is JSON, and an image/, ENCODE_FIRST],
    [['ls', 'json'], /json: holds the JSON/, ENCODE_FIRST],
    [['ls', 'json.tar'], /json\.tar: holds the JSON/, ENCODE_FIRST],
    [['rewrite', 'json', '-o', 'x', '--inherit-fd', SPEC], /json: holds the JSON/, ENCODE_FIRST],
    [['diff', 'ckpt', 'json'], /json: holds the JSON/, ENCODE_FIRST],
    [['x', 'json', 'ps'], /json: holds the JSON/, ENCODE_FIRST],
    [['ls', json], /is the JSON of one image, and a checkpoint belongs here/, ENCODE_FIRST],
    [['ls', 'ckpt/files.img'], /is one image, and a checkpoint belongs here/, /fdgraft show ckpt\/files\.img/],
  ];
  for (const [words, told, hint] of cases) {
    const { status, stdout, stderr } = run(directory, words);
    t.deepEqual([status, stdout], [2, ''], words.join(' '));
    t.regex(stderr, told);
    t.regex(stderr, hint);
    t.false(fs.existsSync(path.join(directory, 'x')), words.join(' '));
  }
  t.regex(
    run(directory, ['encode'], fs.readFileSync(path.join(directory, 'ckpt/files.img'))).stderr,
    /stdin: is an image/,
  );
  t.regex(run(directory, ['decode'], fs.readFileSync(path.join(directory, json))).stderr, /stdin, offset 0: is JSON/);
});

test('info and show say what raw files and the plan are', (t) => {
  const directory = arrange(t);
  for (const [name, content] of [
    ['pages-1.img', 'pages of memory'],
    ['tmpfs-dev-57.tar.gz.img', 'an archive of a tmpfs'],
    ['iptables-10.img', 'output of iptables-save'],
  ] as const) {
    const file = path.join(directory, name);
    // As tmpfs images are: an archive by its content, which its name is asked before.
    fs.copyFileSync(path.join(directory, 'out.tar.gz'), file);
    for (const words of [
      ['info', name],
      ['show', name],
      ['show', name, '--nopl'],
      ['info', file],
    ]) {
      const { status, stdout, stderr } = run(directory, words);
      t.deepEqual([status, stderr], [0, '']);
      t.deepEqual(JSON.parse(stdout), { raw: true, content });
    }
    t.like(JSON.parse(run(directory, ['info', name, '--json']).stdout), {
      format: 'fdgraft.info',
      version: 1,
      raw: true,
    });
    const decoded = run(directory, ['decode', name]);
    t.is(decoded.status, 2);
    t.regex(decoded.stderr, /is a raw file .*\n {2}take it over as it is/);
  }
  const info = run(directory, ['info', 'out/inherit-plan.img']);
  t.is(info.status, 0);
  t.deepEqual(JSON.parse(info.stdout), { magic: 'FDGRAFT_PLAN', count: 1, content: 'the plan of fdgraft' });
  const shown = run(directory, ['show', 'out/inherit-plan.img']);
  t.is(shown.status, 0);
  t.like(JSON.parse(shown.stdout), { format: 'fdgraft.plan', placeholders: { length: 1 } });
  t.is(run(directory, ['show', 'pages-77.img']).status, 2);
});
