import { decodeInPlace } from '../schema/decode';
import type { EntryFacts } from './entry-facts';
import { inheritableType } from './entry-types';
import type { FileEntryView } from './file-entry';

/** The facts in an entry's own record. Undefined if its type cannot be inherited, or has them in another entry. Throws WireFault. */
export function describeEntry(view: FileEntryView): EntryFacts | undefined {
  const type = inheritableType(view);
  if (type === undefined || type.pathId !== undefined) return undefined;
  return type.describe(decodeInPlace(type.schema, view.bytes, view.start, view.end) as never, undefined);
}
