import { decode, decodeInPlace } from '../schema/decode';
import type { EntryFacts } from './entry-facts';
import { type InheritableType, inheritableType } from './entry-types';
import type { FileEntryView } from './file-entry';

/** The facts in an entry's own record. Undefined if its type cannot be inherited, or has them in another entry. Throws WireFault. */
export function describeEntry(view: FileEntryView): EntryFacts | undefined {
  const type = inheritableType(view);
  if (type === undefined || type.pathId !== undefined) return undefined;
  return type.describe(decodeInPlace(type.schema, view.bytes, view.start, view.end) as never, undefined);
}

/** An entry whose path, flags and owner are in another one: a FIFO. */
export interface PathlessEntry {
  readonly type: InheritableType;
  readonly decoded: never;
  /** File id of the REG entry that has them. */
  readonly pathId: number;
}

/** Reads an entry whose facts are in another one; undefined for any other entry. Throws WireFault. */
export function readPathless(view: FileEntryView): PathlessEntry | undefined {
  const type = inheritableType(view);
  if (type?.pathId === undefined) return undefined;
  const decoded = decode(type.schema, view.bytes, view.start, view.end) as never;
  return { type, decoded, pathId: type.pathId(decoded) };
}
