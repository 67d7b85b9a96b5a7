import { safeJson } from './safe-json';

/** What is small is written at once: so many values, at most. */
const MAX_AT_ONCE = 256;
/** Chunks are about so long. */
const CHUNK = 1 << 13;

/**
 * A value as `JSON.stringify(value, null, step)` writes it, in chunks: lists can be longer than any string. Where a list
 * is to come from, any iterable will do. `indent`: spaces before all lines but the first.
 */
export function* jsonChunks(value: unknown, indent = 0, step = 2): Generator<string, void, undefined> {
  if (isSmall(value)) yield indented(value, indent, step);
  else if (isIterable(value)) yield* inBrackets('[', ']', value, indent, step, () => '');
  else {
    const fields = Object.entries(value as object).filter(([, field]) => field !== undefined);
    const names = fields.map(([name]) => `${safeJson(name)}: `);
    const values = fields.map(([, field]) => field);
    yield* inBrackets('{', '}', values, indent, step, (i) => names[i] as string);
  }
}

function* inBrackets(
  open: string,
  close: string,
  values: Iterable<unknown>,
  indent: number,
  step: number,
  before: (i: number) => string,
): Generator<string, void, undefined> {
  let text = open;
  let count = 0;
  const line = `\n${' '.repeat(indent + step)}`;
  for (const value of values) {
    text += `${count === 0 ? '' : ','}${line}${before(count)}`;
    count += 1;
    if (isSmall(value)) text += indented(value, indent + step, step);
    else {
      yield text;
      text = '';
      yield* jsonChunks(value, indent + step, step);
    }
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  yield `${text}${count === 0 ? '' : `\n${' '.repeat(indent)}`}${close}`;
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/** Whether there is little in a value, and no list that is not there as a whole. */
function isSmall(value: unknown): boolean {
  return countUpTo(value, MAX_AT_ONCE) < MAX_AT_ONCE;
}

function countUpTo(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  const isList = Array.isArray(value);
  if (!isList && isIterable(value)) return limit;
  const inside = isList ? value : Object.values(value);
  if (inside.length >= limit) return limit;
  let count = 1;
  for (const one of inside) {
    count += countUpTo(one, limit - count);
    if (count >= limit) return limit;
  }
  return count;
}

function indented(value: unknown, spaces: number, step: number): string {
  const text = safeJson(value, step);
  return spaces === 0 ? text : text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
