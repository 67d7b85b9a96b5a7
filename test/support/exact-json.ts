/** JSON with whole numbers of any size, read and written without a line of src/. */

export type Json = bigint | number | string | boolean | null | Json[] | { [key: string]: Json };

const TOKEN =
  /[ \n\r\t]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\.)*")|(-?\d+)(\.\d+)?([eE][-+]?\d+)?|(true|false|null))/y;

/** Whole numbers become bigints, others numbers. Throws SyntaxError. */
export function parseExactly(text: string): Json {
  let at = 0;
  const next = (): RegExpExecArray => {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(text);
    if (found === null) throw new SyntaxError(`no JSON at ${at}: ${text.slice(at, at + 40)}`);
    at = TOKEN.lastIndex;
    return found;
  };
  const peek = () => /[^ \n\r\t]/.exec(text.slice(at, at + 100))?.[0];
  const members = (close: string, member: () => void) => {
    if (peek() === close) {
      next();
      return;
    }
    for (;;) {
      member();
      const [, mark] = next();
      if (mark === close) return;
      if (mark !== ',') throw new SyntaxError(`${mark} at ${at}`);
    }
  };
  const value = (): Json => {
    const [, mark, quoted, whole, fraction, exponent, word] = next();
    if (quoted !== undefined) return JSON.parse(quoted) as string;
    if (whole !== undefined) {
      return fraction === undefined && exponent === undefined
        ? BigInt(whole)
        : Number(`${whole}${fraction ?? ''}${exponent ?? ''}`);
    }
    if (word !== undefined) return JSON.parse(word) as boolean | null;
    if (mark === '[') {
      const list: Json[] = [];
      members(']', () => list.push(value()));
      return list;
    }
    if (mark !== '{') throw new SyntaxError(`${mark} at ${at}`);
    const object: { [key: string]: Json } = {};
    members('}', () => {
      const key = JSON.parse(next()[2] as string) as string;
      if (Object.hasOwn(object, key)) throw new SyntaxError(`${key} is there twice`);
      next();
      object[key] = value();
    });
    return object;
  };
  const result = value();
  if (text.slice(at).trim() !== '') throw new SyntaxError(`more at ${at}`);
  return result;
}

/** As JSON.stringify, keys sorted where that is wanted (as `jq -S` does). */
export function stringifyExactly(value: Json, sorted = false): string {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return `[${value.map((each) => stringifyExactly(each, sorted)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const keys = sorted ? Object.keys(value).sort() : Object.keys(value);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${stringifyExactly(value[key] as Json, sorted)}`).join(',')}}`;
}

/** The value without a key, at every depth. */
export function without(key: string, value: Json): Json {
  if (Array.isArray(value)) return value.map((each) => without(key, each));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => name !== key);
  return Object.fromEntries(kept.map(([name, each]) => [name, without(key, each)]));
}

/** Whether a key is there, at any depth. */
export function hasKey(key: string, value: Json): boolean {
  if (Array.isArray(value)) return value.some((each) => hasKey(key, each));
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([name, each]) => name === key || hasKey(key, each));
}
