import { BYTE_MUTATORS } from './bytes';
import { type Mutator, oneOf, splice } from './mutate';

const TOKEN = /"(?:[^"\\]|\\.)*"|[-+.\dA-Za-z_]+|[{}[\]:,]/g;
const VALUES = [
  '0',
  '-1',
  '1e400',
  '1.5',
  '18446744073709551615',
  '18446744073709551616',
  '-9223372036854775809',
  'null',
];
const MORE = [
  'true',
  'false',
  '""',
  '"a"',
  '"\\u0000"',
  '"\\ud800"',
  '"0x1f"',
  '"AAAA\\n"',
  '[]',
  '{}',
  '[[[]]]',
  '{"a":1}',
];

interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

function tokensOf(json: Buffer): Token[] {
  return [...json.toString('latin1').matchAll(TOKEN)].map(({ index, 0: text }) => ({
    start: index,
    end: index + text.length,
    text,
  }));
}

/** The token behind the value that begins at a token. */
function endOfValue(tokens: readonly Token[], at: number): number {
  let depth = 0;
  for (let i = at; i < tokens.length; i += 1) {
    const { text } = tokens[i] as Token;
    if (text === '{' || text === '[') depth += 1;
    if (text === '}' || text === ']') depth -= 1;
    if (depth <= 0) return i + 1;
  }
  return tokens.length;
}

const onToken =
  (
    edit: (token: Token, random: Parameters<Mutator>[1], range: Token, other: () => Buffer) => Buffer | undefined,
  ): Mutator =>
  (json, random, other) => {
    const tokens = tokensOf(json);
    if (tokens.length === 0) return json;
    const at = random.below(tokens.length);
    const token = tokens[at] as Token;
    const end = (tokens[endOfValue(tokens, at) - 1] as Token).end;
    const range = { start: token.start, end, text: json.toString('latin1', token.start, end) };
    const by = edit(token, random, range, other);
    return by === undefined ? json : splice(json, range.start, range.end, by);
  };

const otherValue = onToken((_token, random) => Buffer.from(oneOf([...VALUES, ...MORE], random)));
const drop = onToken(() => Buffer.alloc(0));
const twice = onToken((_token, _random, { text }) => Buffer.from(`${text},${text}`, 'latin1'));
const nest = onToken((_token, random, { text }) => {
  const depth = random.chance(95) ? 1 : 1 + random.below(2000);
  return Buffer.from(`${'['.repeat(depth)}${text}${']'.repeat(depth)}`, 'latin1');
});
const take = onToken((_token, random, _range, other) => {
  const from = other();
  const tokens = tokensOf(from);
  if (tokens.length === 0) return undefined;
  const at = random.below(tokens.length);
  return from.subarray((tokens[at] as Token).start, (tokens[endOfValue(tokens, at) - 1] as Token).end);
});
const quote = onToken((_token, _random, { text }) => Buffer.from(JSON.stringify(text), 'latin1'));
const raw: Mutator = (json, random, other) => oneOf(BYTE_MUTATORS, random)(json, random, other);

/** Changes of JSON: values, keys, nesting, and bytes. */
export const JSON_MUTATORS: readonly Mutator[] = [
  otherValue,
  otherValue,
  otherValue,
  drop,
  twice,
  nest,
  take,
  quote,
  raw,
];
