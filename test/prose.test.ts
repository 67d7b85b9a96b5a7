import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import {
  type Fault,
  faultsOf,
  faultsOfMarkdown,
  type Limits,
  sentencesOf,
  sentencesOfText,
  tell,
} from './support/prose';

const { helpOf } = require('../tools/man/executor-page.js') as { helpOf(source: string): string };

const top = path.resolve(__dirname, '..');

/** Every text for people is in short, plain sentences and standard words. */

const SHORT: Limits = { sentence: 30, paragraph: 4 };
const REFERENCE: Limits = { sentence: 40, paragraph: 4 };

const directories = ['docs', 'examples', 'fixtures'];
const texts = [
  ...['README.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...directories.flatMap((name) =>
    fs
      .readdirSync(path.join(top, name))
      .filter((file) => file.endsWith('.md'))
      .map((file) => `${name}/${file}`),
  ),
];

/** Of the changelog the part that is not released: the others say what was. */
function read(name: string): string {
  const text = fs.readFileSync(path.join(top, name), 'utf8');
  return name === 'CHANGELOG.md'
    ? text
        .split(/^(?=## )/m)
        .slice(0, 2)
        .join('')
    : text;
}

function rulesOf(text: string, limits = SHORT): string[] {
  return faultsOfMarkdown(text, 'x.md', limits).map((fault) => tell(fault).replace(/^(x\.md:\d+: [^:]+).*$/s, '$1'));
}

for (const name of texts) {
  test(`the prose of ${name}`, (t) => {
    const limits = name === 'README.md' ? SHORT : REFERENCE;
    t.deepEqual(faultsOfMarkdown(read(name), name, limits).map(tell), []);
  });
}

test('the README has at most 1,000 words', (t) => {
  const words = read('README.md')
    .split(/\s+/)
    .filter((word) => word !== '').length;
  t.true(words <= 1000, `${words} words`);
});

/** All texts below a table of a command that its help shows. */
function helpTexts(value: unknown, at: string): { at: string; text: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = `${at}.${key}`;
    if (['describe', 'about', 'missing'].includes(key) && typeof inner === 'string') return [{ at: here, text: inner }];
    if (['examples', 'exitCodes'].includes(key) && Array.isArray(inner))
      return inner.map(([, text], index) => ({ at: `${here}[${index}]`, text: String(text) }));
    return helpTexts(inner, here);
  });
}

test('the help texts', (t) => {
  const directory = path.join(top, 'src/cli/usage');
  const found = fs.readdirSync(directory).flatMap((file) => helpTexts(require(path.join(directory, file)), file));
  t.true(found.length > 100, `${found.length} texts`);
  const faults = found.flatMap(({ at, text }): Fault[] =>
    faultsOf(
      text.split(/\n\s*\n/).flatMap((paragraph) => sentencesOfText(paragraph, `src/cli/usage/${at}`)),
      SHORT.sentence,
    ),
  );
  t.deepEqual(faults.map(tell), []);
});

test('the help of fdgraft-exec', (t) => {
  const lines = helpOf(fs.readFileSync(path.join(top, 'native/src/help.c'), 'utf8')).split('\n');
  t.true(lines.length > 40);
  t.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  // An option is a paragraph of its own; the usage, examples and exit codes are no sentences.
  const text = lines
    .join('\n')
    .replace(/^ {2}-.*?(?= {2,}[A-Z])/gm, '\n')
    .split(/\n\s*\n/);
  const said = text.filter((one) => !/^(Usage|Examples|Exit codes):/.test(one));
  const faults = faultsOf(
    said.flatMap((one) => sentencesOfText(one, 'native/src/help.c')),
    SHORT.sentence,
  );
  t.deepEqual(faults.map(tell), []);
});

test('the comments of the plan schema', (t) => {
  const lines = fs.readFileSync(path.join(top, 'schemas/plan.proto'), 'utf8').split('\n');
  const comments = lines.map((line) => /^\s*\/\/ ?(.*)$/.exec(line)?.[1] ?? '').join('\n');
  const said = comments.split(/\n\s*\n/).flatMap((one) => sentencesOfText(one.trim(), 'schemas/plan.proto'));
  t.true(said.length > 60, `${said.length} sentences`);
  t.deepEqual(faultsOf(said, SHORT.sentence).map(tell), []);
});

test('a sentence ends where people end it', (t) => {
  const text =
    '- CRIU 4.1.1 reads `a. b`, e.g. files.\n  It *ends*. `criu` ends too? Yes (it\n  does.) [Go on](x.md#a). 5 more.\n';
  t.deepEqual(
    sentencesOf(text, 'x.md').map(({ line, text }) => [line, text]),
    [
      [1, 'CRIU 4.1.1 reads `a. b`, e.g. files.'],
      [2, 'It *ends*.'],
      [2, '`criu` ends too?'],
      [2, 'Yes (it does.)'],
      [3, '[Go on](x.md#a).'],
      [3, '5 more.'],
    ],
  );
});

test('each rule finds a text that breaks it, and its line', (t) => {
  const long = `# Title\n\nOne.\n${'word '.repeat(30)}word.\n`;
  t.deepEqual(rulesOf(long), ['x.md:4: 31 words, at most 30']);
  t.deepEqual(rulesOf(`${'`a b` '.repeat(30)}.\n`), []);
  t.deepEqual(rulesOf('Fine.\n\n1. What a batch has made is kept.\n'), ['x.md:3: begins with a clause']);
  t.deepEqual(rulesOf('**What stays.** The parent.\n\nWhere it is, it stays.\n'), ['x.md:3: begins with a clause']);
  t.deepEqual(rulesOf('## What is it\n\nWhat is it? A tool.\n\n| What |\n|---|\n'), []);
  t.deepEqual(rulesOf('A. B. C. D.\nE.\n'), ['x.md:1: a paragraph of 5 sentences, at most 4']);
  t.deepEqual(rulesOf('| an image folder |\n|---|\n\nUse your fd.\n\n`folder`\n\n```\nfolder\n```\n'), [
    'x.md:1: "image folder" is banned',
    'x.md:4: "your fd" is banned',
  ]);
});
