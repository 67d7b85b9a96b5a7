import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import type { SpecOptions } from './spec';

/** Reads all specs with `parse`. Throws FdgraftError, which tells of every spec that cannot be read. */
export function parseSpecs<T>(given: readonly (string | SpecOptions)[], parse: (spec: string | SpecOptions) => T): T[] {
  if (!Array.isArray(given)) throw messages.usage('the specs are no list', "give a list of them: ['fd[5]:KEY']");
  const parsed: T[] = [];
  const errors: FdgraftError[] = [];
  for (const spec of given) {
    try {
      parsed.push(parse(spec));
    } catch (error) {
      if (!(error instanceof FdgraftError)) throw error;
      errors.push(error);
    }
  }
  const [first, ...others] = errors;
  if (first === undefined) return parsed;
  throw others.length === 0 ? first : messages.severalSpecs(errors);
}
