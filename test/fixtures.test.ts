import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';
import test from 'ava';
import { temporaryDirectory } from './support/directories';
import { CONVERTED_FIXTURES, convertLayout } from './support/old-layouts';

// The images in fixtures/ are public: nothing of the machine that they were made on may be in them.

const FIXTURES = path.resolve(__dirname, '../fixtures');
const IMAGES = path.join(FIXTURES, 'images');
const names = fs.readdirSync(IMAGES).sort();
const readme = fs.readFileSync(path.join(FIXTURES, 'README.md'), 'utf8');

// Paths of the programs, and of what every Linux has.
const KNOWN_PATH =
  /^\/(srv\/fdgraft(\/.*)?|dev\/(null|zero|ptmx|tty|pts(\/\d+)?)|proc|two_paths|logs\/(out|err)\.log)$/;
// NAME=value with a name as the environment has them.
const ASSIGNMENT = /\b(?:[A-Z][A-Z0-9_]{2,}|npm_\w+)=[\x20-\x7e]*/g;
// A path below one of the directories at the root of a system, or a home.
const ABSOLUTE =
  /\/(?:bin|boot|dev|etc|home|lib(?:32|64)?|media|mnt|nix|opt|proc|root|run|sbin|srv|sys|tmp|usr|Users|var|work|logs|two_paths)\b(?:\/[\w.+@%-]*)*/g;
const LONG_ENOUGH = 8;

/** What of an environment would give its machine away. */
function tellingValues(environment: NodeJS.ProcessEnv): string[] {
  return Object.values(environment)
    .filter((value): value is string => value !== undefined && value.length >= LONG_ENOUGH)
    .concat([os.hostname(), process.cwd()].filter((value) => value.length >= 6));
}

/** A path in a message is followed by the tag of the next field, which can be a letter: the longest known part counts. */
function isKnown(found: string): boolean {
  return KNOWN_PATH.test(found) || KNOWN_PATH.test(found.slice(0, -1));
}

function foreign(bytes: Buffer, environment: NodeJS.ProcessEnv): string[] {
  const text = bytes.toString('latin1');
  return [
    ...[...text.matchAll(ASSIGNMENT)].map(([found]) => found),
    ...[...text.matchAll(ABSOLUTE)].map(([found]) => found).filter((found) => !isKnown(found)),
    ...tellingValues(environment).filter((value) => text.includes(value)),
  ];
}

function images(name: string): string[] {
  return fs.readdirSync(path.join(IMAGES, name)).sort();
}

test('the search finds what must not be there', (t) => {
  const page = (text: string) => Buffer.concat([Buffer.alloc(100, 0xff), Buffer.from(text), Buffer.alloc(100)]);
  for (const text of [
    'HOME=/',
    'npm_config_x=1',
    'LANG=C',
    '/root/.profile',
    '/usr/lib/libc.so.6',
    '/srv/other',
    '/tmp/x',
  ]) {
    t.deepEqual(foreign(page(text), {}), [text], text);
  }
  t.deepEqual(foreign(page('a value of a variable'), { X: 'value of a' }), ['value of a']);
  t.deepEqual(foreign(page('/srv/fdgraft/log'), {}), []);
});

for (const name of names) {
  test(`${name} holds images, and nothing of where they were made`, (t) => {
    const files = images(name);
    const perType = CONVERTED_FIXTURES[name]?.layout === 'per_type';
    for (const needed of ['inventory.img', 'pstree.img', perType ? 'reg-files.img' : 'files.img', 'pages-1.img'])
      t.true(files.includes(needed), needed);
    for (const file of files) {
      t.regex(file, /^[a-z-]+(-\d+)?\.img$/);
      t.deepEqual(foreign(fs.readFileSync(path.join(IMAGES, name, file)), process.env), [], file);
    }
  });
}

test('the table in the README names each fixture, and only those', (t) => {
  const rows = [...readme.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
  t.deepEqual(rows, [...new Set(rows)]);
  t.deepEqual([...rows].sort(), names);
});

for (const [name, { from, layout }] of Object.entries(CONVERTED_FIXTURES)) {
  test(`${name} is what comes of ${from} today`, (t) => {
    const converted = path.join(temporaryDirectory(t), 'converted');
    convertLayout(layout, path.join(IMAGES, from), converted);
    t.deepEqual(fs.readdirSync(converted).sort(), images(name));
    for (const file of images(name)) {
      const [is, shipped] = [converted, path.join(IMAGES, name)].map((directory) =>
        fs.readFileSync(path.join(directory, file)),
      );
      t.deepEqual(is, shipped, `${file}: node tools/convert-fixtures.js makes it again`);
    }
    t.regex(readme, new RegExp(`^\\| \`${name}\` \\| \`${from}\` \\|`, 'm'));
  });
}

test('each program has a fixture, and each fixture its program', (t) => {
  const programs = fs
    .readdirSync(path.join(FIXTURES, 'programs'))
    .filter((file) => file.endsWith('.c'))
    .map((file) => path.basename(file, '.c'));
  const used = [...readme.matchAll(/^\| `\w+` \| `(\w+)/gm)].map(([, program]) => program);
  t.deepEqual([...new Set(used)].sort(), programs.sort());
});

/** A field of a message as the images have it: tag, then the value as a varint. */
function field(number: number, value: number): Buffer {
  const bytes = [number << 3];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

test('the pipes that the README names are in the images', (t) => {
  let checked = 0;
  for (const [, name, row] of readme.matchAll(/^\| `(\w+)` \|(.*)$/gm)) {
    for (const [key, id] of (row as string).matchAll(/pipe:\[(\d+)\]/g)) {
      const files = fs.readFileSync(path.join(IMAGES, name as string, 'files.img'));
      t.true(files.includes(field(2, Number(id))), `${name}: ${key}`);
      checked++;
    }
  }
  t.true(checked >= 8);
});

test('the fixtures are small', (t) => {
  const sizes = names.flatMap((name) => images(name).map((file) => fs.statSync(path.join(IMAGES, name, file)).size));
  t.true(sizes.reduce((sum, size) => sum + size, 0) < 5 << 20);
});
