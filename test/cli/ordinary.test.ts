import assert from 'node:assert';
import test from 'ava';
import fc from 'fast-check';
import type { Options } from 'yargs';
import { readByYargs } from '../../src/cli/line';
import { readOrdinary } from '../../src/cli/ordinary';
import { USAGES } from '../../src/cli/usage/all';
import { COMMON_OPTIONS, type Usage } from '../../src/cli/usage/usage';
import { holds } from '../support/properties';

const RUNS = 400;
const USUAL = USAGES.flatMap((usage) => ('several' in usage ? [] : [usage]));

/** What yargs makes of a line; undefined where it refuses it, or prints something instead. */
async function byYargs(words: readonly string[]): Promise<object | undefined> {
  const { asked } = await readByYargs(words).catch(() => ({ asked: undefined }));
  if (asked === undefined) return undefined;
  const { _: _words, $0: _script, ...args } = asked.args as { [name: string]: unknown };
  return args;
}

const nameOf = ({ command }: Usage) => command.split(' ')[0] as string;

/** Words that are hard on a parser: of options, of what looks like them, of values. */
function wordsFor(usage: Usage): fc.Arbitrary<string> {
  const names = Object.entries<Options>({ ...COMMON_OPTIONS, ...usage.options }).flatMap(([name, { alias }]) => [
    `--${name}`,
    ...(typeof alias === 'string' ? [`-${alias}`] : []),
  ]);
  const camel = names.map((name) => name.replace(/(?<=[a-z])-([a-z])/g, (_, letter: string) => letter.toUpperCase()));
  const values = ['a', 'ckpt.tar.gz', '7', '-7', '1e3', '', '-', '--', 'true', 'false', 'json', 'tar', 'auto', 'fds'];
  const keys = ['fd[5]:/a=b', 'fd[5]:pipe:[1]', 'a b', '-x', '--x', '-ox', '-o=x', '--out=', "'a'", '"a b"', 'é'];
  const odd = [
    '--help',
    '--version',
    '--no-json',
    '--no-out',
    '--json=true',
    '--quiet=no',
    '--source=a',
    '--__proto__',
  ];
  return fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...names) },
    { weight: 3, arbitrary: fc.constantFrom(...values, ...keys) },
    fc.constantFrom(...camel, ...odd),
    fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values, ...keys)).map(([name, value]) => `${name}=${value}`),
    fc.string({ maxLength: 4 }),
  );
}

for (const usage of USUAL) {
  test(`${nameOf(usage)}: what is read without yargs is what yargs reads`, async (t) => {
    let ordinary = 0;
    await holds(
      t,
      fc.asyncProperty(fc.array(wordsFor(usage), { maxLength: 6 }), async (words) => {
        const read = readOrdinary(usage, words);
        // All else is left to yargs.
        if (read === undefined) return;
        ordinary += 1;
        assert.deepStrictEqual({ ...read }, { ...(await byYargs([nameOf(usage), ...words])) }, JSON.stringify(words));
      }),
      RUNS,
    );
    t.true(ordinary > 0);
  });
}

test('a value that is missing behind another spelling of an option is told', async (t) => {
  const words = ['ls', 'a', '--inheritFd', '--inherit-fd', 'b'];
  t.is(readOrdinary(USUAL.find((one) => nameOf(one) === 'ls') as Usage, words.slice(1)), undefined);
  await t.throwsAsync(readByYargs(words), { message: /^--inheritFd lacks its value, SPEC$/ });
});

test('the lines that people write need no yargs', async (t) => {
  const lines: readonly (readonly string[])[] = [
    ['ls', 'ckpt'],
    ['ls', 'ckpt', '--json', '--path', '/var/**'],
    ['ls', '--no-color', 'ckpt', '--inherit-fd', 'fd[7]:/a', '--inherit-fd', 'fd[8]:/b'],
    ['ls', '--', '-ckpt'],
    ['rewrite', 'ckpt', '-o', 'out', '--inherit-fd', 'fd[5]:pipe:[22653]', '--quiet'],
    ['rewrite', 'ckpt', '--in-place', '--specs=specs.json', '--allow-unmatched'],
    ['rewrite', 'ckpt.tar.gz', '--to', 'dir', '-o', 'out', '--save-plan', '-', '--from-descriptors'],
    ['diff', 'a', 'b', '--format', 'markdown', '--ignore-ids'],
    ['decode', '-i', 'files.img', '--pretty'],
    ['decode', '-'],
    ['encode', 'ckpt.json', '-o', 'ckpt2', '--link', 'copy'],
    ['info', 'files.img'],
    ['show', 'pipes-data.img', '--nopl'],
    ['x', 'ckpt', 'fds'],
    ['x', 'ckpt', '--json'],
  ];
  for (const [name, ...words] of lines) {
    const usage = USUAL.find((one) => nameOf(one) === name) as Usage;
    const read = readOrdinary(usage, words);
    t.not(read, undefined, words.join(' '));
    t.deepEqual({ ...read }, { ...(await byYargs([name as string, ...words])) }, words.join(' '));
  }
});

test('help, and what is wrong, is left to yargs', async (t) => {
  const [ls, , diff] = USUAL as [Usage, Usage, Usage];
  for (const words of [
    [],
    ['--help'],
    ['a', '--help'],
    ['a', 'b'],
    ['a', '--jsom'],
    ['a', '--path'],
    ['a', '--json=7'],
  ]) {
    t.is(readOrdinary(ls, words), undefined, words.join(' '));
    t.is(await byYargs(['ls', ...words]), undefined, words.join(' '));
  }
  for (const words of [['a'], ['a', 'b', '--format', 'pdf'], ['a', 'b', 'c']]) {
    t.is(readOrdinary(diff, words), undefined, words.join(' '));
    t.is(await byYargs(['diff', ...words]), undefined, words.join(' '));
  }
});
