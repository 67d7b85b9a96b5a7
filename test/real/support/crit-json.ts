/** JSON in the way of Python's json module: what is read is written again with the same bytes, large numbers too. */

export type Json = string | boolean | null | number | Digits | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

/** A whole number that a double may not hold. */
export class Digits {
  constructor(readonly text: string) {}
}

const MARK = '\ue000';

export function parseJson(text: string): JsonObject {
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}/g, (token) =>
    token.startsWith('"') ? token : `"${MARK}${token}"`,
  );
  return JSON.parse(marked, (_key, value) =>
    typeof value === 'string' && value.startsWith(MARK) ? new Digits(value.slice(1)) : value,
  ) as JsonObject;
}

export function dumpJson(value: Json, pretty: boolean, depth = 1): string {
  if (value instanceof Digits) return value.text;
  if (typeof value !== 'object' || value === null) return ascii(JSON.stringify(value));
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((item) => dumpJson(item, pretty, depth + 1))
    : Object.entries(value).map(([key, item]) => `${ascii(JSON.stringify(key))}: ${dumpJson(item, pretty, depth + 1)}`);
  const [begin, end] = isList ? '[]' : '{}';
  if (items.length === 0) return `${begin}${end}`;
  if (!pretty) return `${begin}${items.join(', ')}${end}`;
  const line = `\n${' '.repeat(4 * depth)}`;
  return `${begin}${line}${items.join(`,${line}`)}\n${' '.repeat(4 * (depth - 1))}${end}`;
}

function ascii(text: string): string {
  return text.replace(/[\u007f-\uffff]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Digits);
}
