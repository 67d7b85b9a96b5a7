import test from 'ava';
import fc from 'fast-check';
import { escapeBytes } from '../../src/bytes/escape';
import { build, exec } from '../support/native';
import { holds } from '../support/properties';

test.before(() => {
  build();
});

/** The first and the last of each kind that one of the two may forget, and their neighbours. */
const EDGES = [
  0x01, 0x0a, 0x1b, 0x1f, 0x20, 0x7e, 0x7f, 0x80, 0x9f, 0xa0, 0x61b, 0x61c, 0x61d, 0x200a, 0x200b, 0x200f, 0x2010,
  0x2027, 0x2028, 0x202e, 0x202f, 0x205f, 0x2060, 0x2069, 0x206a, 0xfefe, 0xfeff, 0xff00, 0xfffc, 0xfffd, 0xfffe,
  0x10000, 0xdffff, 0xe0000, 0xe007f, 0xe0080, 0x10ffff,
];

const character = fc.oneof(
  fc.constantFrom(...EDGES).map((code) => String.fromCodePoint(code)),
  fc.constantFrom('\\', 'x', '1', 'ä', '…'),
  fc.integer({ min: 1, max: 0xd7ff }).map((code) => String.fromCodePoint(code)),
);

/** How fdgraft-exec names a word that it does not know. */
async function shownBy(word: string): Promise<string> {
  const { stderr } = await exec([`--p${word}`]);
  return /^fdgraft-exec: (.*) is no option of fdgraft-exec; [^\n]*\n$/s.exec(stderr)?.[1] ?? stderr;
}

test('the executor writes each character as fdgraft does', async (t) => {
  for (const code of EDGES) {
    const word = String.fromCodePoint(code);
    t.is(await shownBy(word), `--p${escapeBytes(Buffer.from(word))}`, code.toString(16));
  }
});

test('and every text', async (t) => {
  const words = fc.array(character, { maxLength: 40 }).map((characters) => characters.join('').replaceAll('=', ''));
  await holds(
    t,
    fc.asyncProperty(words, async (word) => {
      const shown = await shownBy(word);
      const wanted = `--p${escapeBytes(Buffer.from(word))}`;
      if (shown !== wanted) throw new Error(`${JSON.stringify(shown)} is not ${JSON.stringify(wanted)}`);
    }),
    60,
  );
});
