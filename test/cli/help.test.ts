import test from 'ava';
import { readByYargs } from '../../src/cli/line';
import { USAGES } from '../../src/cli/usage/all';
import type { Usage, UsageOfSeveral } from '../../src/cli/usage/usage';

const MAX_WORDS = 30;

/** Each help text, by the words of its line. */
const LINES: readonly (readonly [line: string, usage: Usage | UsageOfSeveral])[] = USAGES.flatMap((usage) => {
  const name = usage.command.split(' ')[0] as string;
  const below = 'several' in usage ? usage.several : [];
  return [[name, usage] as const, ...below.map((one) => [`${name} ${one.command.split(' ')[0]}`, one] as const)];
});

const helpOf = async (line: string) => (await readByYargs([...line.split(' '), '--help'])).told;

for (const [line, usage] of LINES) {
  test(`${line} --help: own options, then the common ones, then the exit codes of this command`, async (t) => {
    const help = await helpOf(line);
    const headings = help.match(/^[A-Z][a-z ]+:$/gm) ?? [];
    const own = 'options' in usage && Object.keys(usage.options).length > 0 ? ['Options:'] : [];
    t.deepEqual(
      headings.filter((heading) => /ptions:|codes:/.test(heading)),
      [...own, 'Common options:', 'Exit codes:'],
    );
    const [before = '', common = ''] = help.split('Common options:');
    for (const name of ['json', 'quiet', 'color'] as const) {
      t.false(new RegExp(`^ +--${name} `, 'm').test(before.split('\nOptions:')[1] ?? ''), name);
      t.is(new RegExp(`^ +--${name} `, 'm').test(common), usage.common.includes(name), name);
    }
    const codes = help.split('Exit codes:\n')[1]?.match(/^ {2}\S+/gm);
    t.deepEqual(
      codes?.map((code) => code.trim()),
      usage.exitCodes.map(([code]) => code),
    );
  });

  test(`${line} --help: no sentence of more than ${MAX_WORDS} words, and option texts are imperative`, async (t) => {
    const options = 'options' in usage ? Object.values(usage.options) : [];
    const texts = [usage.describe, usage.about ?? '', ...options.map(({ describe }) => describe ?? '')];
    for (const text of [...texts, ...usage.examples.map(([, what]) => what)]) {
      for (const sentence of text.split(/\.\s/)) t.true(sentence.split(/\s+/).length <= MAX_WORDS, sentence);
    }
    for (const { describe, hidden } of options) if (hidden !== true) t.regex(describe ?? '', /^[A-Z][a-z]+ /);
  });
}

test('no command lists the exit code 1 if it answers no question', async (t) => {
  for (const line of ['decode', 'encode', 'info', 'show', 'x', 'batch decode'])
    t.notRegex(await helpOf(line), /^ {2}1 /m);
  for (const line of ['ls', 'rewrite', 'batch ls']) t.regex(await helpOf(line), /^ {2}1 .*a spec matched nothing\b/m);
});

test('a --json that would do nothing is refused', async (t) => {
  for (const words of [
    ['show', 'a.img', '--json'],
    ['decode', '--json'],
    ['--json', 'encode', 'a.json'],
  ]) {
    const error = await t.throwsAsync(readByYargs(words), { code: 'USAGE', message: /^--json does nothing with / });
    t.is((error as { exitCode?: number }).exitCode, 2);
  }
  for (const words of [
    ['info', 'a.img', '--json'],
    ['show', 'a.img', '--no-color', '--quiet'],
    ['batch', 'decode', 'a', '--json'],
  ])
    t.not((await readByYargs(words)).asked, undefined, words.join(' '));
});

test('- is stdin after each option without a value, also in camel case', async (t) => {
  for (const option of ['--ignore-ids', '--ignoreIds', '--payload', '--no-color']) {
    const { asked } = await readByYargs(['diff', option, '-', 'b.img']);
    t.is((asked?.args as { before?: string } | undefined)?.before, '/dev/stdin', option);
  }
});
