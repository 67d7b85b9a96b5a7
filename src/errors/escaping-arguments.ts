import { escapeControls } from '../bytes/escape';

type Functions = { readonly [name: string]: (...args: never[]) => unknown };

/** The same functions, which get every text of their arguments without control characters. */
export function escapingArguments<T extends Functions>(functions: T): T {
  const escaping = Object.entries(functions).map(([name, make]) => [
    name,
    (...args: never[]) => make(...(args.map(escapeTexts) as never[])),
  ]);
  return Object.fromEntries(escaping) as T;
}

/** Lists and plain objects are copied; an error, which may be a cause, stays the very one. */
function escapeTexts(value: unknown): unknown {
  if (typeof value === 'string') return escapeControls(value);
  if (Array.isArray(value)) return value.map(escapeTexts);
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, escapeTexts(inner)]));
}
