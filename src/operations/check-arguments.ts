import { messages } from '../errors/messages';
import { allowedNames } from '../json/nearest';
import { FORMS } from '../storage/form';
import { LINK_MODES } from '../storage/link-mode';

/** For callers without types: a checkpoint is opened before it is used. Throws FdgraftError (USAGE). */
export function requireSource(given: unknown): void {
  if (typeof (given as { members?: unknown } | undefined)?.members === 'function') return;
  throw messages.usage(`${describe(given)} is no source`, 'open the checkpoint first: await openSource(PATH)');
}

/** The same of a path, which has one character at least. */
export function requirePath(given: unknown): void {
  if (typeof given === 'string' && given !== '') return;
  throw messages.usage(`${describe(given)} is no path`, 'give the path of a directory or an archive');
}

/** The same of options, of which one is needed. */
export function requireOptions(given: unknown, needed: string): void {
  if (typeof given === 'object' && given !== null) return;
  throw messages.usage(`${describe(given)} is no object with options`, `give one with ${needed}`);
}

/** The names of all options of an operation; false for one that the library alone gives. */
export type OptionNames<Options> = Readonly<Record<keyof Options, boolean>>;

/** The same of options that have to be known: with a misspelt `out`, a rewrite would be a dry run. */
export function requireKnownOptions<Options extends object>(given: Options, known: OptionNames<Options>): void {
  const names = Object.keys(known).filter((name) => known[name as keyof Options]);
  requireOptions(given, names.join(', '));
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw messages.usage(`there is no option ${unknown}`, allowedNames(unknown, names));
}

/** The same of one of some words. */
export function requireOneOf(given: unknown, words: readonly string[], what: string): void {
  if (words.includes(given as string)) return;
  throw messages.usage(`${describe(given)} is no ${what}`, `give one of ${words.join(', ')}`);
}

/** The same of a list of texts. */
export function requireTexts(given: unknown, what: string): void {
  if (Array.isArray(given) && given.every((one) => typeof one === 'string')) return;
  throw messages.usage(`the ${what} are no list of texts`, `give one with ${what}`);
}

/** The same of where a result goes, and in what way. `isNeeded`: there is always a result. */
export function requireOutput(given: object, isNeeded: boolean): void {
  const { out, to, link } = given as { readonly out?: unknown; readonly to?: unknown; readonly link?: unknown };
  if (isNeeded || out !== undefined) requirePath(out);
  if (to !== undefined) requireOneOf(to, FORMS, 'form of OUT');
  if (link !== undefined) requireOneOf(link, LINK_MODES, 'way to link');
}

function describe(given: unknown): string {
  return typeof given === 'string'
    ? `the text '${given}'`
    : given === null
      ? 'null'
      : `a value of type ${typeof given}`;
}
