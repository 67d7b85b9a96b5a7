import test from 'ava';
import micromatch from 'micromatch';
import { checkPattern } from '../../src/batch/check-pattern';
import { findInputs } from '../../src/batch/find-inputs';
import { Root } from '../../src/batch/root';

/** Fails the test where more would be written out than may be. */
const writeOut = (pattern: string) => {
  const all = micromatch.braces(pattern, { expand: true, nodupes: true, keepEscaping: true });
  if (all.length > 1000) throw new RangeError(`${all.length} patterns were written out`);
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
]) {
  test(`${pattern.slice(0, 50)} is taken`, (t) => t.notThrows(() => check(pattern)));
}
