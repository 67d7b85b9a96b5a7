import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { readByYargs } from '../../src/cli/line';
import { USAGES, wordOf } from '../../src/cli/usage/all';
import { top } from '../support/command';
import { exec } from '../support/native';
import { needsOf } from '../support/needs';

const { manPages } = require('../../tools/man.js') as { manPages(): { [name: string]: string } };
const { helpOf } = require('../../tools/man/executor-page.js') as { helpOf(source: string): string };

const man = path.join(top, 'dist/share/man');
const needs = needsOf(['groff', 'man', 'mandoc']);

function run(command: string, ...args: string[]) {
  const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8', MANWIDTH: '200', TERM: 'dumb', GROFF_NO_SGR: '1' };
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** As it is read: without the backspaces of bold and italic letters. */
function render(place: string): string {
  const file = path.join(man, place);
  return run('groff', '-man', '-Tutf8', '-rLL=200n', file).stdout.replace(/.\x08/gu, '');
}

/** By page: its words on the command line, and its help. */
const LINES = [
  [],
  ...USAGES.flatMap((usage) => {
    const name = wordOf(usage.command);
    const below = 'several' in usage ? usage.several : [];
    return [[name], ...below.map((one) => [name, wordOf(one.command)])];
  }),
];
const pageOf = (words: readonly string[]) => `man1/${['fdgraft', ...words].join('-')}.1`;

const optionsIn = (help: string) =>
  [...help.matchAll(/^ +(?:-\w, )?(--[\w-]+|-\w\b)/gm)].map(([, option]) => option as string);

for (const words of LINES) {
  const place = pageOf(words);
  test(`${place} has every command, option and exit code of the help`, async (t) => {
    if (!needs(t, 'groff')) return;
    const help = (await readByYargs([...words, '--help'])).told;
    const text = render(place);
    const options = optionsIn(help.split('Examples:')[0] as string);
    t.true(options.length >= 2);
    for (const option of options) t.regex(text, new RegExp(`^ {7}(-\\w \\w+, )?${option}\\b`, 'm'), option);
    for (const [, command = ''] of help.matchAll(/^ {2}fdgraft ([a-z ]+?) [ <[]/gm))
      if (command !== 'completion') t.true(text.includes(`fdgraft-${command.trim().replaceAll(' ', '-')}(1)`), command);
    for (const [, code] of (help.split('Exit codes:')[1] as string).matchAll(/^ {2}(\S+) /gm))
      t.regex(text.split('EXIT STATUS')[1] ?? '', new RegExp(`^ {7}${code?.replace('+', '\\+')}\\b`, 'm'));
    for (const [, example = ''] of help.matchAll(/^ {2}# .*\n {2}(.*)$/gm)) t.true(text.includes(example), example);
  });
}

test('fdgraft-exec(1) has the whole text of its --help', async (t) => {
  const { stdout } = await exec(['--help']);
  t.is(helpOf(fs.readFileSync(path.join(top, 'native/src/help.c'), 'utf8')), stdout);
  if (!needs(t, 'groff')) return;
  const squeeze = (text: string) => text.replace(/\s+/g, ' ').toLowerCase();
  const page = squeeze(render('man1/fdgraft-exec.1'));
  const options = optionsIn(stdout.split('Examples:')[0] as string);
  t.true(options.includes('--attach') && options.length >= 10);
  for (const option of options) t.true(page.includes(` ${option}`), option);
  for (const [word] of squeeze(stdout).matchAll(/\S{4,}/g))
    if (!/^(usage|examples):$|codes:$/.test(word)) t.true(page.includes(word), word);
});

test('fdgraft-specs(5) has every option and value of the schema', (t) => {
  if (!needs(t, 'groff')) return;
  const schema = JSON.parse(fs.readFileSync(path.join(top, 'schemas/specs.schema.json'), 'utf8'));
  const text = render('man5/fdgraft-specs.5');
  const { properties } = schema.properties.specs.items as { properties: { [name: string]: { enum?: string[] } } };
  for (const [name, { enum: values = [] }] of Object.entries(properties))
    for (const word of [name, ...values.filter((value) => value !== 'keep')])
      t.regex(text, new RegExp(`\\b${word}\\b`), word);
  for (const key of ['pipe:[ID]', '/proc/*/fd/N', 'tty[RDEV:DEV]', '\\x2a', '{a,b}']) t.true(text.includes(key), key);
});

test('fdgraft-plan(5) has every field of the schema', (t) => {
  if (!needs(t, 'groff')) return;
  const proto = fs.readFileSync(path.join(top, 'schemas/plan.proto'), 'utf8');
  const text = render('man5/fdgraft-plan.5');
  for (const [, name] of proto.matchAll(/^(?:message|enum) (\w+)/gm)) t.regex(text, new RegExp(`^ {3}${name}$`, 'm'));
  for (const [, name, number] of proto.matchAll(/^ +(?:\w+ )*(\w+) = (\d+)/gm))
    t.regex(text, new RegExp(`^ {7}${name} \\(([^)]*, )?${number}\\)`, 'm'), name);
});

for (const place of Object.keys(manPages())) {
  test(`${place} is the one of the sources, has a name for whatis and gives no warning`, (t) => {
    const file = path.join(man, place);
    t.is(fs.readFileSync(file, 'utf8'), manPages()[place] ?? '');
    if (!needs(t, 'groff', 'man', 'mandoc')) return;
    t.is(run('groff', '-man', '-Tutf8', '-ww', '-z', file).stderr, '');
    for (const width of [60, 78]) t.notRegex(run('groff', '-man', '-Tutf8', `-rLL=${width}n`, file).stdout, /\u2010/);
    const { status, stderr } = run('man', '--warnings', '-l', file);
    t.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    // A page has no date before the first release.
    const lint = run('mandoc', '-T', 'lint', '-W', 'warning', file).stdout.split('\n');
    t.deepEqual(
      lint.filter((line) => line !== '' && !line.includes('missing date')),
      [],
    );
    const name = path.basename(place).replace(/\.\d$/, '');
    t.regex(run('lexgrog', file).stdout, new RegExp(`: "${name} - [A-Za-z].*[^.]"\\n$`));
  });
}

test('man finds the pages in their directory', (t) => {
  if (!needs(t, 'man')) return;
  const { status, stdout } = run('man', '-M', man, 'fdgraft-rewrite');
  t.is(status, 0);
  t.regex(stdout.replace(/.\x08/gu, ''), /^ +fdgraft-rewrite - write a checkpoint/m);
  t.is(run('man', '-M', man, '5', 'fdgraft-specs').status, 0);
});

test('package.json lists all pages, so that npm links them', (t) => {
  const { man: listed } = JSON.parse(fs.readFileSync(path.join(top, 'package.json'), 'utf8')) as { man: string[] };
  t.deepEqual(
    listed,
    Object.keys(manPages())
      .sort()
      .map((place) => `./dist/share/man/${place}`),
  );
});
