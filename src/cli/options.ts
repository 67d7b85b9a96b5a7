import { messages } from '../errors/messages';
import type { ArchiveForm, Form } from '../storage/form';
import type { LinkMode } from '../storage/link-mode';
import type { Source } from '../storage/source';

/** The value of an option that can be given once. */
export function once(name: string, value: string | string[] | undefined): string | undefined {
  if (Array.isArray(value)) throw messages.usage(`--${name} was given ${value.length} times`, 'give it once');
  if (value === '')
    throw messages.usage(`--${name} has an empty value`, `write --${name} and a value, or leave it out`);
  return value;
}

/** The values of an option that can be given again and again. */
export function repeated(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** What --to and --link say, as options of the library. */
export interface OutOptions {
  readonly to?: Form;
  readonly link?: LinkMode;
}

export function outOptions(args: { to?: string | string[]; link?: string | string[] }): OutOptions {
  const link = once('link', args.link) as LinkMode | undefined;
  const to = once('to', args.to) as Form | undefined;
  return { ...(link === undefined ? {} : { link }), ...(to === undefined ? {} : { to }) };
}

const ENDINGS: readonly (readonly [ending: RegExp, form: ArchiveForm])[] = [
  [/\.tar$/, 'tar'],
  [/\.(tar\.gz|tgz)$/, 'tar.gz'],
  [/\.(tar\.zst|tzst)$/, 'tar.zst'],
];

/**
 * The same for the OUT of a directory whose name is that of an archive: it becomes one, unless --to says otherwise. An
 * archive keeps its compression, whatever the name of OUT.
 */
export function withFormOfName(options: OutOptions, out: string | undefined, source: Source): OutOptions {
  if (options.to !== undefined || out === undefined || source.form !== 'dir') return options;
  const [, to] = ENDINGS.find(([ending]) => ending.test(out)) ?? [];
  return to === undefined ? options : { ...options, to };
}
