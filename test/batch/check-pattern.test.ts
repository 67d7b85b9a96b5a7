import test from 'ava';
import micromatch from 'micromatch';
import { checkPattern } from '../../src/batch/check-pattern';
import { findInputs } from '../../src/batch/find-inputs';
import { Root } from '../../src/batch/root';

/** How many patterns each writing out came to. A failure of it would be taken for one of the braces. */
const written: number[] = [];
const writeOut = (pattern: string) => {
  const all = micromatch.braces(pattern, { expand: true, nodupes: true, keepEscaping: true });
  written.push(all.length);
  return all;
};
const check = (pattern: string) => checkPattern(pattern, pattern, writeOut);

const REFUSED: [string, RegExp][] = [
  ['ck/{1..100000000}', /braces stand for more than 1000 patterns/],
  // As JavaScript reads numbers, which is how ranges are written out.
  ['ck/{1..1001}', /braces stand for more than 1000 patterns/],
  ['ck/{1..1e9}', /braces stand for more than 1000 patterns/],
  ['ck/{0x1..0xfffffff}', /braces stand for more than 1000 patterns/],
  [`ck/${'{0b1..0b1100100}'.repeat(4)}`, /braces stand for more than 1000 patterns/],
  [`ck/${'{1.0..100.0}'.repeat(4)}`, /braces stand for more than 1000 patterns/],
  [`ck/${`{1..${'0'.repeat(80)}100}`.repeat(4)}`, /braces stand for more than 1000 patterns/],
  [`ck/${'{{1,2}..a..\u0663}'.repeat(3)}`, /it has \.\. in braces that are no range/],
  ['ck/{"30"..{1,2}}', /it has \.\. in braces that are no range/],
  ['ck/{a,b{1..a}(c})', /its braces cannot be read/],
  [`ck/{a,${'{1..200},'.repeat(2)}`, /braces stand for more than 1000/],
  ['ck/{-600..600}', /braces stand for more than 1000/],
  [`${'{a,b}'.repeat(20)}/*`, /braces stand for more than 1000/],
  ['{1..99}{1..99}', /braces stand for more than 1000/],
  [`{${'{a,b}'.repeat(11)},c}`, /braces stand for more than 1000/],
  [`${'{'.repeat(33)}a${'}'.repeat(33)}`, /nested deeper than 32/],
  ['{'.repeat(4000), /nested deeper than 32/],
  [`*${'a'.repeat(4096)}`, /it has 4097 bytes, more than 4096/],
  ['ck/*a*a*a*b', /a name in it has more than 3 times \*/],
  ['ck/{x,*a*a*a*}b*', /a name in it has more than 3 times \*/],
  ['**/a/**/b/**/c', /more than 2 times \*\* before its end/],
];
for (const [pattern, message] of REFUSED) {
  test(`${pattern.slice(0, 50)} of ${pattern.length} characters is refused, as a pattern and as what is taken away`, async (t) => {
    t.throws(() => check(pattern), { code: 'USAGE', message });
    const find = (...words: string[]) =>
      findInputs(words, { base: undefined, root: new Root('/nowhere/out'), signal: undefined });
    await t.throwsAsync(find(pattern), { code: 'USAGE', message });
    await t.throwsAsync(find('/nowhere', `!${pattern}`), { code: 'USAGE', message });
  });
}

for (const pattern of [
  'ck/{1..1000}',
  '{a,b}'.repeat(9),
  '*-{*.a,*.b,*.c,*.d}-*',
  '**/jobs/**/a/**',
  '\\{a,b\\}'.repeat(20),
  '[*]*[*]*[*]*',
  '{a..e}{1..200}',
  '{../a,../b}/{c,d/../e}',
  '../{a..c}/..',
]) {
  test(`${pattern.slice(0, 50)} is taken`, (t) => t.notThrows(() => check(pattern)));
}

test.serial('whatever braces are taken, no more than 1000 patterns are written out', (t) => {
  const ends = [
    '1',
    '9',
    '40',
    '0b11111',
    '3e1',
    '0x20',
    '-20',
    '+30',
    '030',
    '"30"',
    '\\30',
    'a',
    '{1,2}',
    '30.0',
    '$',
    '(3)',
  ];
  const between = ['', '', 'x', '{', '}', ',', '..', '"', '\\', '(', ')', '[', ']', '/', '{a,b'];
  let state = 20261130;
  const one = (list: readonly string[]) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return list[(state >>> 0) % list.length] as string;
  };
  const group = () =>
    `${one(between)}{${one(ends)}..${one(ends)}${one(['', '', `..${one(ends)}`])}${one(['}', '}', ''])}`;
  for (let i = 0; i < 3000; i++) {
    const pattern = Array.from({ length: 1 + (i % 3) }, group).join('') + one(between);
    try {
      check(pattern);
    } catch (error) {
      t.like(error, { code: 'USAGE' }, pattern);
    }
    t.true((written.at(-1) ?? 0) <= 1000, pattern);
  }
  t.true(written.length > 100 && written.every((count) => count <= 1000));
});
