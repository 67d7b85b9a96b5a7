import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { escapeControlsInJson } from '../../src/bytes/escape';
import { escapingArguments } from '../../src/errors/escaping-arguments';
import { messages } from '../../src/errors/messages';
import { putCheckpoint } from '../support/batch';
import { bin } from '../support/command';
import { atDepth } from '../support/depth';
import { fileEntry, smallCheckpoint, temporaryDirectory } from '../support/directories';
import { holds } from '../support/properties';

/** What no output for people may have: anything that a terminal acts on or hides, but line ends. */
const RAW =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]|\udb40[\udc00-\udc7f]/;

/** A line that a name with a line end would make, if that came through. */
const FORGED = 'fdgraft: all is well';

const nasty = fc.constantFrom(
  '\u001b[8m',
  '\u001b[1m',
  '\u001b]0;title\u0007',
  `\n${FORGED}\n`,
  '\r',
  '\t',
  '\u009b31m',
  '\u202e',
  '\u200b',
  '\u2028',
  '\ufeff',
  '\u{e0041}',
  '\u007f',
);
const word = fc
  .array(fc.oneof(nasty, fc.constantFrom('a', 'b', '/', '*', '[', "'", '-', ':')), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join(''))
  .filter((text) => RAW.test(text) || text.includes('\n'));

/** Command lines with a word from outside in each place that a message may tell it in. */
const LINES: readonly ((word: string) => string[])[] = [
  (word) => [word],
  (word) => ['ls', word],
  (word) => ['ls', `--${word}`],
  (word) => ['ls', 'ck', word],
  (word) => ['ls', 'ck', '--inherit-fd', word],
  (word) => ['ls', 'ck', '--inherit-fd', `fd[5]:${word}`],
  (word) => ['ls', 'ck', '--path', word],
  (word) => ['rewrite', 'ck', '-o', 'out', '--link', word],
  (word) => ['rewrite', 'ck', '-o', `no/${word}/out`, '--inherit-fd', 'fd[5]:pipe:[4711]'],
  (word) => ['rewrite', 'ck', '-o', `out${word.replaceAll('/', '')}`, '--inherit-fd', 'fd[5]:pipe:[4711]'],
  (word) => ['rewrite', 'ck', '-o', 'out', '--json', '--inherit-fd', `debug[5]:${word}`],
  (word) => ['rewrite', 'ck', '--dry-run', '--inherit-fd', `debug[5]:${word}`],
  (word) => ['rewrite', 'ck', '--dry-run', '--specs', word],
  (word) => ['rewrite', 'ck', '--dry-run', '--save-plan', `no/${word}`, '--inherit-fd', 'fd[5]:pipe:[4711]'],
  (word) => ['diff', 'ck', word],
  (word) => ['diff', word, word, '--json'],
  (word) => ['diff', 'ck', 'ck', '--plan', word],
  (word) => ['decode', '-i', word],
  (word) => ['encode', '-i', word],
  (word) => ['info', word],
  (word) => ['show', word],
  (word) => ['x', 'ck', word],
  (word) => ['x', word, 'ps'],
  (word) => ['batch', 'ls', word, '-o', 'out'],
  (word) => ['batch', 'ls', 'ck', word, '-o', 'out', '--json'],
  (word) => ['batch', 'ls', `named-*`, `!${word}`, '-o', 'out'],
  (word) => ['batch', 'ls', 'ck', '-o', 'out', '--shard', word],
  (word) => ['batch', 'ls', 'ck', '-o', 'out', '--jobs', word],
  (word) => ['batch', 'diff', 'ck', '--against', word, '-o', 'out'],
  (word) => ['batch', word],
];

test('no word, and no name in a directory or an image, reaches a terminal as it is', async (t) => {
  const lines = fc.tuple(word, fc.integer({ min: 0, max: LINES.length - 1 }));
  let turn = 0;
  const clean = fc.asyncProperty(lines, async ([text, start]) => {
    const directory = temporaryDirectory(t);
    const images = {
      ...smallCheckpoint(),
      'files.img': [fileEntry(1, `/${text}`, 0), fileEntry(3, '/l', 0), fileEntry(4, '/', 0)],
    };
    putCheckpoint(path.join(directory, 'ck'), {
      ...smallCheckpoint(),
      [`raw${text.replaceAll('/', '')}`]: Buffer.of(1),
    });
    // One by that name which is damaged, and one whose image has the name.
    putCheckpoint(path.join(directory, `named-${text.replaceAll('/', '')}`), {
      ...images,
      'pstree.img': Buffer.from('no image'),
    });
    // Each run of the property tries another line, so that all are tried.
    turn += 1;
    const words = (LINES[(start + turn) % LINES.length] as (text: string) => string[])(text);
    for (const args of [words, ['batch', 'ls', '*', '-o', 'lists']]) {
      const { stdout, stderr, status } = spawnSync(process.execPath, [bin, ...args], {
        cwd: directory,
        encoding: 'utf8',
      });
      const said = `${JSON.stringify(args)} (${status}): ${JSON.stringify(stdout + stderr)}`;
      if (RAW.test(stdout) || RAW.test(stderr)) throw new Error(said);
      if (`${stdout}\n${stderr}`.split('\n').includes(FORGED)) throw new Error(said);
      if (args.includes('--json')) for (const line of jsonIn(args, stdout)) JSON.parse(line);
    }
  });
  await holds(t, clean, atDepth(20, 60));
});

/** A batch writes a value a line. */
const jsonIn = (args: readonly string[], text: string) =>
  args[0] === 'batch' ? text.split('\n').filter((line) => line !== '') : text === '' ? [] : [text];

test('each of the command lines is free of them', (t) => {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'ck'));
  const text = `a\u001b[8mb\n${FORGED}\n\u009b\u202e`;
  for (const line of LINES) {
    const args = line(text);
    const { stdout, stderr } = spawnSync(process.execPath, [bin, ...args], { cwd: directory, encoding: 'utf8' });
    t.notRegex(stdout + stderr, RAW, args.join(' '));
    t.false((stdout + stderr).split('\n').includes(FORGED), args.join(' '));
    fs.rmSync(path.join(directory, 'out'), { recursive: true, force: true });
  }
});

test('a message has no control character of its arguments, wherever they stand in them', (t) => {
  const bad = 'a\u001b[8m\nb\u202e';
  const shown = 'a\\x1b[8m\\x0ab\\xe2\\x80\\xae';
  const cause = new Error(bad);
  const all = [
    messages.usage(bad, bad),
    messages.cannotRead(bad, cause),
    messages.unforeseen(cause),
    messages.malformed({ file: bad, field: bad }, bad),
    messages.severalImageDirectories(bad, [bad, bad]),
    messages.specsUnmatched([{ text: bad, near: [bad] }], bad),
  ];
  for (const { message, hint = '', file = '', field = '' } of all) {
    t.notRegex(`${message}${hint}${file}${field}`, RAW);
    t.true(message.includes(shown), message);
  }
  t.is(messages.unforeseen(cause).cause, cause);
  const same = escapingArguments({ give: (value: unknown) => value });
  t.is(same.give(cause), cause);
  t.deepEqual(same.give({ a: [bad, 5, undefined, null], b: 1n }), { a: [shown, 5, undefined, null], b: 1n });
});

test('JSON stays the JSON of the same value', (t) => {
  const value = { 'a\u202e': ['\u001b\u009b\ufeff', '\u{e0041}', 'ä\n'] };
  const json = escapeControlsInJson(JSON.stringify(value, null, 2));
  t.deepEqual(JSON.parse(json), value);
  t.notRegex(json, RAW);
});
