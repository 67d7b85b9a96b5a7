import test from 'ava';
import fc from 'fast-check';
import { FdgraftError } from '../../src/errors/fdgraft-error';
import { toImage, toJson } from '../support/conversions';
import { ALL_IMAGES } from '../support/images';
import { holds } from '../support/properties';
import { bytesOf, randomImages } from '../support/random-images';
import { Random, seeds } from '../support/random-messages';

/**
 * Entries whose text is like that of earlier ones, but for their numbers and strings: nothing may depend on whether they
 * are read by a template or in full.
 */

const NUMBERS = [
  ...['0', '7', '00', '01', '-0', '-1', '1.5', '1e3', '127', '128', '16384', '2147483647', '2147483648', '4294967295'],
  ...['4294967296', '999999999999999', '9007199254740993', '18446744073709551615', '18446744073709551616', '"7"', '""'],
  ...['true', 'null', '', '12345678901234567890123', '1 2'],
];
const STRINGS = [
  ...[
    '""',
    '"a"',
    '"é"',
    '"a\\nb"',
    '"\\u0041"',
    '"\\ud800"',
    '"a\u0001b"',
    '"\\x"',
    '5',
    '"',
    '"=41"',
    '"QUJD"',
    '[]',
  ],
  ...[126, 127, 128, 129, 300].map((length) => JSON.stringify('n'.repeat(length))),
];

/** The tokens of a text, all of it: a quote alone begins a string that does not end. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+|[^"\d-]+|-|"/g;

/** Another value in the place of some of a text's. */
function changed(text: string, random: Random): string {
  const tokens = text.match(TOKENS) ?? [];
  return tokens
    .map((token, i) => {
      const isKey = tokens[i + 1]?.startsWith(':') === true;
      if (isKey || !random.chance(Math.ceil(200 / tokens.length))) return token;
      if (token.startsWith('"')) return STRINGS[random.below(STRINGS.length)];
      return /^-?\d+$/.test(token) ? NUMBERS[random.below(NUMBERS.length)] : token;
    })
    .join('');
}

/** The same with more white space, so that no template of the other text fits. */
function spaced(text: string): string {
  return (text.match(TOKENS) ?? [])
    .map((token) => (token.startsWith('"') ? token : token.replace(/[:,]/g, ' $&').replace(/[{[]/g, '$& ')))
    .join('');
}

/** The image, or what is wrong with the JSON, but for the place in the text. */
async function outcome(json: string, random: Random): Promise<string> {
  try {
    return (await toImage(json, random)).toString('hex');
  } catch (error) {
    if (!(error instanceof FdgraftError)) throw error;
    // A message shows more or less of the text, by what the buffer holds.
    const problem = error.message.slice(error.message.indexOf(': ') + 2).replace(/ /g, '');
    const end = /(where|isno|endshere|doesnotfit).*$/.exec(problem)?.[0];
    return [error.field, problem[0], end, error.hint].join(' | ');
  }
}

/** The entries of a JSON, as they stand there. */
function entriesOf(json: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let begun = 0;
  const from = json.indexOf('"entries"');
  const text = json.slice(json.indexOf('[', from) + 1);
  let at = 0;
  for (const token of text.match(/"(?:[^"\\]|\\.)*"|[^"]/g) ?? []) {
    if (token === '{' && depth++ === 0) begun = at;
    at += token.length;
    if (token === '}' && --depth === 0) found.push(text.slice(begun, at));
  }
  return found;
}

const KINDS = ALL_IMAGES.filter(({ kind }) =>
  [
    'FILES',
    'FDINFO',
    'MM',
    'PSTREE',
    'CORE',
    'REG_FILES',
    'UNIXSK',
    'INETSK',
    'PAGEMAP',
    'IDS',
    'MNTS',
    'FILE_LOCKS',
  ].includes(kind),
);

test('an entry is the same whether earlier ones were like it or not', async (t) => {
  t.true(KINDS.length >= 10);
  let agreed = 0;
  const images = fc.oneof(...KINDS.map((kind) => randomImages(kind, { anyBytes: false })));
  const property = fc.asyncProperty(images, seeds, fc.boolean(), async (image, seed, pretty) => {
    const random = new Random(seed);
    const json = await toJson(bytesOf(image), { pretty });
    for (const entry of entriesOf(json).slice(0, 3)) {
      const other = changed(entry, random);
      const head = json.slice(0, json.indexOf('[', json.indexOf('"entries"')) + 1);
      const around = (last: string) => `${head}${[entry, entry, entry, entry, last, entry].join(', ')}]}`;
      const [byTemplate, inFull] = [await outcome(around(other), random), await outcome(around(spaced(other)), random)];
      if (byTemplate !== inFull) throw new Error(`${other}\n${byTemplate}\n${inFull}`);
      agreed += 1;
    }
  });
  await holds(t, property, 300);
  t.true(agreed > 100);
});

const head = '{"magic": "FILES", "entries": [';
const OWNER = '"fown": {"uid": 0, "euid": 0, "signum": 0, "pid_type": 0, "pid": 0}';
const pipe = (id: string, more = '') =>
  `{"type": "PIPE", "id": ${id}, "pipe": {"id": ${id}, "pipe_id": 9, "flags": 1, ${OWNER}}${more}}`;

test('what is wrong behind many entries of one form is told with its place', async (t) => {
  const many = Array.from({ length: 2000 }, (_, i) => pipe(String(i + 1)));
  const wrong: [string, RegExp][] = [
    [pipe('4294967296'), /4294967296 does not fit/],
    [pipe('01'), /no JSON number/],
    [pipe('1.5'), /not a whole number/],
    [pipe('1', ', "id": 2'), /the key is there twice/],
    [pipe('1', ', "strange": 2'), /there is no key "strange"/],
    [pipe('1').replace(', "pipe_id": 9', ''), /lacks "pipe_id"/],
  ];
  for (const [entry, expected] of wrong) {
    const json = `${head}${[...many, entry].join(', ')}]}`;
    // In large chunks, and in small ones, which hold no entry as a whole.
    for (const random of [new Random(1), new Random(5)]) {
      const error = await t.throwsAsync(toImage(json, random), { instanceOf: FdgraftError });
      t.regex(error.message, expected);
      t.regex(error.field ?? '', /^\.entries\[2000\]/);
    }
  }
});

test('more forms than there are templates, in turn', async (t) => {
  const forms = Array.from({ length: 40 }, (_, i) => pipe('1').replaceAll(', ', `,${' '.repeat(1 + (i % 20))}`));
  const rows = Array.from({ length: 8000 }, (_, i) =>
    (forms[(i * 7) % 40] as string).replaceAll('"id": 1', `"id": ${i}`),
  );
  const plain = Array.from({ length: 8000 }, (_, i) => pipe(String(i)));
  t.deepEqual(await toImage(`${head}${rows.join(', ')}]}`), await toImage(`${head}${plain.join(', ')}]}`));
});
