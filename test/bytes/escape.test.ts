import test from 'ava';
import fc from 'fast-check';
import { EscapeFault, escapeBytes, escapedChunks, unescapeText } from '../../src/bytes/escape';

test('bytes survive the way into text and back', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      t.deepEqual(unescapeText(escapeBytes(bytes)), Buffer.from(bytes));
    }),
    { numRuns: 2000 },
  );
});

test('so do the bytes that escapes are made of', (t) => {
  const unit = fc.constantFrom('\\', 'x', '4', '1', '\\x41', '\u0007', 'ä', '\ufffd', '\u2028', 'a');
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), fc.uint8Array({ maxLength: 2 }), (units, tail) => {
      const bytes = Buffer.concat([Buffer.from(units.join('')), tail]);
      t.deepEqual(unescapeText(escapeBytes(bytes)), bytes);
    }),
    { numRuns: 2000 },
  );
});

test('long texts with a byte that is no text survive, wherever they are cut', (t) => {
  const unit = fc.constantFrom(
    '\\',
    'x',
    '\\x',
    '\\'.repeat(20_000),
    'a'.repeat(16_383),
    'ä'.repeat(8191),
    '\u{e0041}',
    '\u0007',
  );
  fc.assert(
    fc.property(fc.array(unit, { maxLength: 12 }), fc.constantFrom('\xff', '\xc3', ''), (units, tail) => {
      const bytes = Buffer.concat([Buffer.from(units.join('')), Buffer.from(tail, 'latin1')]);
      const text = escapeBytes(bytes);
      t.true(unescapeText(text).equals(bytes));
      t.is(text, [...escapedChunks(bytes)].join(''));
    }),
  );
});

test('text has nothing that a terminal acts on', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      // biome-ignore lint/complexity/useRegexLiterals: the range is easier to read with escapes
      t.notRegex(escapeBytes(bytes), new RegExp('[\\u0000-\\u001f\\u007f-\\u009f\\u202e\\ufffd]'));
    }),
  );
});

const EXAMPLES: [string, Buffer, string][] = [
  ['plain text', Buffer.from('/var/log/ä.log'), '/var/log/ä.log'],
  ['a byte that is not UTF-8', Buffer.from([0x2f, 0xff, 0x61]), '/\\xffa'],
  ['a control character', Buffer.from('a\nb\u001b'), 'a\\x0ab\\x1b'],
  ['a C1 control character', Buffer.from('\u009b'), '\\xc2\\x9b'],
  ['a backslash before an x', Buffer.from('\\x41'), '\\x5cx41'],
  ['any other backslash', Buffer.from('a\\b'), 'a\\b'],
  ['a cut-off sequence', Buffer.from([0xe2, 0x82]), '\\xe2\\x82'],
  ['a byte order mark', Buffer.from('\ufeffa'), '\\xef\\xbb\\xbfa'],
  [
    'marks of direction and of nothing',
    Buffer.from('a\u200f\u061c\u200bb'),
    'a\\xe2\\x80\\x8f\\xd8\\x9c\\xe2\\x80\\x8bb',
  ],
  ['a tag character', Buffer.from('a\u{e0041}'), 'a\\xf3\\xa0\\x81\\x81'],
  ['what Node makes of invalid bytes', Buffer.from('\ufffd'), '\\xef\\xbf\\xbd'],
];
for (const [what, bytes, text] of EXAMPLES) test(`${what} is written ${text}`, (t) => t.is(escapeBytes(bytes), text));

test('an escape that is none is refused', (t) => {
  for (const [text, piece] of [
    ['ab\\x4g', '\\x4g'],
    ['\\x41\\x', '\\x'],
  ] as const)
    t.throws(() => unescapeText(text), {
      instanceOf: EscapeFault,
      message: `"${piece}" is not \\x and two hexadecimal digits`,
    });
});
