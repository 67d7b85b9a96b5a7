import { messages } from '../errors/messages';
import type { Form } from '../storage/form';
import type { LinkMode } from '../storage/link-mode';

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
export function outOptions(args: { to?: string | string[]; link?: string | string[] }): { to?: Form; link?: LinkMode } {
  const link = once('link', args.link) as LinkMode | undefined;
  const to = once('to', args.to) as Form | undefined;
  return { ...(link === undefined ? {} : { link }), ...(to === undefined ? {} : { to }) };
}
