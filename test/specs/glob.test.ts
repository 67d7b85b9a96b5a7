import test from 'ava';
import fc from 'fast-check';
import { Glob, GlobFault } from '../../src/specs/glob';
import { expand, matchesSlowly } from '../support/slow-glob';

const matches = (pattern: string, path: string | Buffer) => {
  const bytes = Buffer.from(path as string);
  return new Glob(pattern).matches(bytes, 0, bytes.length);
};

const EXAMPLES: [string, string[], string[]][] = [
  ['var/log/*.log', ['var/log/a.log', 'var/log/.log'], ['var/log/a.txt', 'var/log/b/a.log', 'xvar/log/a.log']],
  ['**/*.log', ['a.log', 'x/a.log', 'x/y/a.log'], ['a.logs', 'x/a']],
  ['a/**/b', ['a/b', 'a/x/b', 'a/x/y/b'], ['ab', 'a/xb', 'a/x']],
  ['a/**', ['a/', 'a/b', 'a/b/c'], ['a', 'b/a']],
  ['a**b', ['ab', 'a/x/b', 'axb'], ['a/b/c']],
  ['a?c', ['abc'], ['ac', 'a/c', 'abbc']],
  ['[a-c]x', ['ax', 'bx', 'cx'], ['dx', 'x', '/x']],
  ['[!a-c]x', ['dx', '-x'], ['ax', '/x']],
  ['[]a]', [']', 'a'], ['b']],
  ['[a-]', ['a', '-'], ['b']],
  ['{a,b/c,}x', ['ax', 'b/cx', 'x'], ['cx']],
  ['{a,{b,c}d}', ['a', 'bd', 'cd'], ['b', 'd']],
  ['[{]a', ['{a'], ['a']],
  ['\\x2a\\x3f', ['*?'], ['ab']],
  ['a]b!c,d}-', ['a]b!c,d}-'], []],
];
for (const [pattern, yes, no] of EXAMPLES) {
  test(`${pattern} means ${yes.join(' ')}`, (t) => {
    for (const path of yes) t.true(matches(pattern, path), path);
    for (const path of no) t.false(matches(pattern, path), path);
  });
}

test('bytes are matched, not characters', (t) => {
  t.false(matches('?', 'ä'));
  t.true(matches('??', 'ä'));
  t.true(new Glob('a\\xff*').matches(Buffer.from('a\xffb', 'latin1'), 0, 3));
});

const PIECES = ['a', 'b', '/', '*', '**', '?', '[ab]', '[!a]', '/**/', '{a,b}'];

const sequences: fc.Arbitrary<string> = fc.letrec<{ sequence: string; braces: string }>((tie) => ({
  sequence: fc
    .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...PIECES) }, { weight: 2, arbitrary: tie('braces') }), {
      maxLength: 5,
    })
    .map((all) => all.join('')),
  braces: fc
    .array(fc.oneof({ maxDepth: 3 }, fc.constantFrom(...PIECES, ''), tie('sequence')), { minLength: 1, maxLength: 3 })
    .map((choices) => `{${choices.join(',')}}`),
})).sequence;

test('a pattern matches what one of the patterns without braces does that it stands for', (t) => {
  const paths = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }).map((all) => all.join(''));
  fc.assert(
    fc.property(
      sequences.filter((pattern) => expand(pattern).length <= 64),
      fc.array(paths, { minLength: 5, maxLength: 5 }),
      (pattern, some) => {
        for (const path of some) t.is(matches(pattern, path), matchesSlowly(pattern, path), `${pattern} ${path}`);
      },
    ),
    { numRuns: 3000 },
  );
});

/** What a match looks at is bounded by the pattern times the path; each place of a pattern counts six times. */
const COSTLY: [string, string][] = [
  [`${'*a'.repeat(30)}b`, 'a'.repeat(4096)],
  [`${'**a'.repeat(30)}b`, 'a/'.repeat(2048)],
  [`**/${'*a'.repeat(1000)}b`, 'a'.repeat(4096)],
  [`${'**/'.repeat(1000)}b`, '/'.repeat(4096)],
  [`{${'*,'.repeat(1000)}*}b`, 'a'.repeat(4096)],
  [`${'{a,*}'.repeat(10)}b`, 'a'.repeat(4096)],
  [`${'{'.repeat(32)}**a${'}'.repeat(32)}${'{,**a}'.repeat(10)}`, 'ab'.repeat(2048)],
];
COSTLY.forEach(([pattern, path], number) => {
  test(`costly pattern ${number} takes no more steps than pattern times path`, (t) => {
    const glob = new Glob(pattern);
    const bytes = Buffer.from(path);
    glob.matches(bytes, 0, bytes.length);
    t.true(glob.visits <= 6 * (pattern.length + 1) * (path.length + 1), `${glob.visits}`);
  });
});

test('a long path matches nothing, at no cost', (t) => {
  for (const [pattern, path] of COSTLY) {
    const glob = new Glob(pattern);
    const bytes = Buffer.from(path.repeat(25));
    t.false(glob.matches(bytes, 0, bytes.length));
    t.is(glob.visits, 0);
  }
});

test('braces that stand for 1024 patterns are matched', (t) => {
  t.true(matches('{a,b}'.repeat(10), 'abababbbba'));
  t.true(matches(`{${'a,'.repeat(1023)}b}`, 'b'));
  t.true(matches(`${'{'.repeat(32)}a${'}'.repeat(32)}`, 'a'));
});

const REFUSED: [string, string][] = [
  ['[a', 'a [ has no ]'],
  ['{a', 'a { has no }'],
  ['{a,{b}', 'a { has no }'],
  ['[b-a]', 'a range in [ ] goes backwards'],
  ['{a,b}'.repeat(11), 'the braces stand for more than 1024 patterns'],
  ['{a,b}'.repeat(800), 'the braces stand for more than 1024 patterns'],
  [`{${'a,'.repeat(1024)}b}`, 'the braces stand for more than 1024 patterns'],
  [`${'{'.repeat(33)}a${'}'.repeat(33)}`, 'braces are nested deeper than 32'],
  [`*${'a'.repeat(4096)}`, 'the glob has 4097 bytes, more than the 4096 that one can have'],
];
for (const [pattern, message] of REFUSED) {
  test(`${pattern.slice(0, 60)} of ${pattern.length} characters is refused`, (t) => {
    t.throws(() => new Glob(pattern), { instanceOf: GlobFault, message });
  });
}
