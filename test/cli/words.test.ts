import { execFileSync } from 'node:child_process';
import test from 'ava';
import fc from 'fast-check';
import { shellWord } from '../../src/bytes/shell-word';

const said = (shell: string, word: string) => execFileSync(shell, ['-c', `printf %s ${word}`], { encoding: 'utf8' });

test('a word is read back by a shell as what it was', (t) => {
  const words = [
    'out',
    '/a b',
    "it's",
    '$HOME',
    '`x`',
    '~',
    '=x',
    '-n',
    '',
    '*',
    'a\\x41',
    'a!b',
    '#',
    '{a,b}',
    '"',
    'é',
  ];
  for (const word of words) t.is(said('sh', shellWord(word)), word, word);
  t.is(shellWord('/tmp/out-1.2'), '/tmp/out-1.2');
});

test('what a terminal would act on is read back by bash', (t) => {
  const anything = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0'));
  const odd = fc.constantFrom('\u0001', '\n', '\u001b[31m', '\u202e', '\u009f', "'", '\\', '\\x41');
  fc.assert(
    fc.property(fc.array(fc.oneof(anything, odd), { maxLength: 5 }), (parts) => {
      const text = parts.join('');
      const word = shellWord(text);
      t.notRegex(word, /[\u0000-\u001f\u007f-\u009f\u202e]/);
      t.is(said('bash', word), text);
    }),
    { numRuns: 60 },
  );
});
