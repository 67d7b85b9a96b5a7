import { EscapeFault } from '../../../src/bytes/escape';
import { Glob, GlobFault } from '../../../src/specs/glob';
import { expand, matchesSlowly } from '../../support/slow-glob';
import { BYTE_MUTATORS } from '../mutate/bytes';
import { mutated } from '../mutate/mutate';
import { textMutators } from '../mutate/text';
import { expect, type Target } from '../target';

export type MakeGlob = (pattern: string) => Pick<Glob, 'matches' | 'visits' | 'prefix'>;

const SEEDS: readonly (readonly [pattern: string, path: string])[] = [
  ['a/*/b', 'a/ab/b'],
  ['**/b', 'a/b/b'],
  ['{a,b/**}/?', 'b/a/b/a'],
  ['[ab][!a]*', 'abab'],
  ['a**b/{,a}', 'ab/a'],
];
const PATTERN = textMutators([
  'a',
  'b',
  '/',
  '*',
  '**',
  '?',
  '[ab]',
  '[!a]',
  '/**/',
  '{a,b}',
  '{',
  '}',
  ',',
  '[',
  ']',
  '\\x61',
  '{,*}',
]);
const PATH = textMutators(['a', 'b', '/', 'ab/', 'a'.repeat(50)]);
/** What the slow way understands, with so little to expand that it is not too slow. */
const IS_SIMPLE = /^(?:[ab/*?{},]|\[!?[ab]+\])*$/;
const MOST_BRACES = 4;
const MOST_STARS = 5;

/** Globs: what the regular expressions of the language say, and no more states than pattern times path. */
export function globTarget(make: MakeGlob = (pattern) => new Glob(pattern)): Target {
  return {
    name: 'glob',
    share: 600,
    seeds: () => SEEDS.map(([pattern, path]) => ({ pattern: Buffer.from(pattern), path: Buffer.from(path) })),
    make: (random, pick) => {
      const { pattern, path } = pick() as { pattern: Buffer; path: Buffer };
      const [first, second] = [random.chance(80), random.chance(60)];
      return {
        pattern: first ? mutated(pattern, PATTERN, random, () => pick().pattern as Buffer) : pattern,
        path: second
          ? mutated(path, random.chance(90) ? PATH : BYTE_MUTATORS, random, () => pick().path as Buffer)
          : path,
      };
    },
    check: async ({ pattern = Buffer.alloc(0), path = Buffer.alloc(0) }) => {
      const text = pattern.toString('utf8');
      let glob: ReturnType<MakeGlob>;
      try {
        glob = make(text);
      } catch (error) {
        if (error instanceof GlobFault || error instanceof EscapeFault) return error.message.replace(/\d+|".*"/gs, '#');
        throw error;
      }
      const isMatch = glob.matches(path, 0, path.length);
      const most = 6 * (text.length * 3 + 1) * (path.length + 1);
      expect(glob.visits <= most, () => `${glob.visits} states for ${text.length} by ${path.length} bytes`);
      expect(!isMatch || glob.prefix.equals(path.subarray(0, glob.prefix.length)), 'a match without the prefix');
      const count = (character: string) => text.split(character).length - 1;
      const isSlow = path.length > 200 || count('{') > MOST_BRACES || count('*') > MOST_STARS || text.length > 60;
      if (!isSlow && IS_SIMPLE.test(text) && expand(text).length <= 64) {
        const expected = matchesSlowly(text, path.toString('latin1'));
        expect(isMatch === expected, () => `${JSON.stringify(text)} ${isMatch ? 'matches' : 'does not match'}`);
        return `${isMatch}, as expected`;
      }
      return `${isMatch}`;
    },
  };
}
