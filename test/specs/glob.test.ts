import test from 'ava';
import fc from 'fast-check';
import { Glob, GlobFault } from '../../src/specs/glob';

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

/** The same meaning, tried in every way there is. */
function slowly(pattern: string, path: string): boolean {
  if (pattern === '') return path === '';
  if (pattern.startsWith('**'))
    return slowly(pattern.slice(2), path) || (path !== '' && slowly(pattern, path.slice(1)));
  if (pattern[0] === '*')
    return slowly(pattern.slice(1), path) || (path !== '' && path[0] !== '/' && slowly(pattern, path.slice(1)));
  if (path === '') return false;
  return (pattern[0] === path[0] || (pattern[0] === '?' && path[0] !== '/')) && slowly(pattern.slice(1), path.slice(1));
}

test('stars find a way wherever there is one', (t) => {
  const units = fc.array(fc.constantFrom('a', 'b', '/', '*', '**', '?'), { maxLength: 8 }).map((all) => all.join(''));
  const paths = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 10 }).map((all) => all.join(''));
  const plain = (pattern: string) => pattern.replace(/\*{3,}/g, '**');
  fc.assert(
    fc.property(units.map(plain), paths, (pattern, path) => {
      // Between slashes a double star means a little more.
      fc.pre(!/(^|\/)\*\*\//.test(pattern));
      t.is(matches(pattern, path), slowly(pattern, path), `${pattern} ${path}`);
    }),
    { numRuns: 20_000 },
  );
});

test('a long path takes no time, whatever the pattern', (t) => {
  t.false(matches(`${'*a'.repeat(30)}b`, 'a'.repeat(100_000)));
  t.false(matches(`${'**a'.repeat(30)}b`, 'a/'.repeat(50_000)));
});

for (const pattern of ['[a', '{a', '[b-a]', '{a,b}'.repeat(11)]) {
  test(`${pattern} is refused`, (t) => {
    t.throws(() => new Glob(pattern), { instanceOf: GlobFault });
  });
}
