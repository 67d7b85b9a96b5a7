import test from 'ava';
import fc from 'fast-check';
import { EscapeFault } from '../../src/bytes/escape';
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

/** All sequences of up to `most` of these pieces. */
function sequencesOf(pieces: readonly string[], most: number): string[] {
  let last = [''];
  const all = [...last];
  for (let i = 0; i < most; i += 1) {
    last = last.flatMap((before) => pieces.map((piece) => before + piece));
    all.push(...last);
  }
  return all;
}

test('every short pattern matches every short path as the slow way says', (t) => {
  const patterns = new Set([
    ...sequencesOf(['a', '/', '*', '?'], 5),
    ...sequencesOf(['a', '/', '**', '{*,/}', '{a,}', '[!a]'], 3),
  ]);
  const paths = sequencesOf(['a', '/'], 4).map((path) => Buffer.from(path));
  const wrong: string[] = [];
  for (const pattern of patterns) {
    const glob = new Glob(pattern);
    const slowly = expand(pattern).map((one) => (path: string) => matchesSlowly(one, path));
    for (const path of paths) {
      const text = path.toString();
      const expected = slowly.some((matchesOne) => matchesOne(text));
      if (glob.matches(path, 0, path.length) !== expected) wrong.push(`${pattern} ${text}`);
    }
  }
  t.deepEqual(wrong, []);
});

test('a path is matched where it lies among other bytes', (t) => {
  const bytes = Buffer.from('xxa/b.logxx');
  for (const pattern of ['a/*.log', 'a/b.log', '*/b*', '**', '?/b.l[n-p]g']) {
    const glob = new Glob(pattern);
    t.true(glob.matches(bytes, 2, 9), pattern);
    t.is(glob.matches(bytes, 1, 9), pattern === '**' || pattern === '*/b*', pattern);
    t.is(glob.matches(bytes, 2, 10), pattern === '**' || pattern === '*/b*', pattern);
  }
});

test('a path may lie anywhere, and ends where it is said to', (t) => {
  const bytes = Buffer.concat([Buffer.alloc(10_000, 'x'), Buffer.from('a/b.log')]);
  for (const pattern of ['a/b.log', 'a/*', '**', 'a/b.log*', 'a/b.log{,c}']) {
    const glob = new Glob(pattern);
    t.true(glob.matches(bytes, 10_000, 10_007), pattern);
    t.is(glob.matches(bytes, 10_000, 10_004), pattern === '**' || pattern === 'a/*', pattern);
    t.true(glob.visits > 0);
  }
});

test('a glob goes on matching after four thousand million bytes', (t) => {
  for (const pattern of ['a/*', '**/b', '{a,b}/{*,b}']) {
    const glob = new Glob(pattern);
    const path = Buffer.from('a/b');
    t.true(glob.matches(path, 0, 3));
    for (const round of [0xffff_fffd, 0xffff_ffff]) {
      Object.assign(glob, { round });
      for (let i = 0; i < 3; i += 1) {
        t.true(glob.matches(path, 0, 3), pattern);
        t.false(glob.matches(path, 0, 1), pattern);
      }
    }
  }
});

test('the longest path and the longest pattern are none too long', (t) => {
  const bytes = Buffer.alloc(4097, 'a');
  for (const pattern of ['*', `*${'a'.repeat(4095)}`]) {
    t.true(new Glob(pattern).matches(bytes, 0, 4096));
    t.false(new Glob(pattern).matches(bytes, 0, 4097));
  }
});

test('the prefix is what every match begins with', (t) => {
  for (const [pattern, prefix] of [
    ['var/log/*.log', 'var/log/'],
    ['a/b', 'a/b'],
    ['*', ''],
    ['a[b]c', 'a'],
    ['a{b,c}', 'a'],
    ['a?', 'a'],
    ['\\x2a*', '*'],
    ['\u00e4*', '\u00e4'],
  ] as const) {
    t.is(new Glob(pattern).prefix.toString(), prefix, pattern);
  }
});

/** Sets by the bytes that they hold, of these. */
const SETS: [set: string, members: string][] = [
  ['[abc]', 'abc'],
  ['[a-c]', 'abc'],
  ['[a-a]', 'a'],
  ['[!a-c]', 'd!]-'],
  ['[a!]', 'a!'],
  ['[!]', ''],
  ['[]]', ']'],
  ['[!]]', 'abcd!-'],
  ['[!]a]', 'bcd!-'],
  ['[]-a]', 'a]'],
  ['[a-]', 'a-'],
  ['[-a]', 'a-'],
  ['[!-a]', 'bcd!]'],
  ['[a-bd]', 'abd'],
  ['[a-b-d]', 'abd-'],
  ['[a\\x2dc]', 'ac-'],
  ['[\\x61-\\x63]', 'abc'],
  ['[.-0]', ''],
];
for (const [set, members] of SETS) {
  test(`the set ${set} holds ${members === '' ? 'none' : members}`, (t) => {
    if (set === '[!]') {
      t.throws(() => new Glob(set), { instanceOf: GlobFault, message: 'a [ has no ]' });
      return;
    }
    const held = [...'abcd!]-/'].filter((one) => matches(set, one)).join('');
    t.is(held, members);
    t.is(matches(`x${set}y`, `x${members[0]}y`), members !== '');
    t.false(matches(set, ''));
  });
}

const ESCAPES = ['\\x', '\\x2', '\\xzz', '\\x2g', 'a\\x2', '[\\x2]', '\\x\n0'];
for (const pattern of ESCAPES) {
  test(`the escape of ${JSON.stringify(pattern)} is none`, (t) => {
    t.throws(() => new Glob(pattern), { instanceOf: EscapeFault, message: /is not \\x and two hexadecimal digits$/ });
  });
}

test('a backslash without an x is itself, and so is a line feed', (t) => {
  t.true(matches('a\\b', 'a\\b'));
  t.true(matches('a\\', 'a\\'));
  t.true(matches('a\n*', 'a\nb'));
  t.true(matches('\\x0a', '\n'));
  t.true(matches('\\xFf', Buffer.from([0xff])));
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
  ['[', 'a [ has no ]'],
  ['[!', 'a [ has no ]'],
  ['[a', 'a [ has no ]'],
  ['{', 'a { has no }'],
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
