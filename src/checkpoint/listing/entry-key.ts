import { MAX_KEY } from '../sorted-rows';

/** Above all types that CRIU has; those that are not known share the last number. */
const TYPES = 32;

/**
 * A number for an entry, by which entries are sorted: by file id, and by type where dumps without files.img have an id
 * in several types. A descriptor finds its entry by both (CRIU: files.c, "no file for fd").
 */
export function entryKey(id: number, type: number): number {
  return id * TYPES + Math.min(type, TYPES - 1);
}

export function idOfKey(key: number): number {
  return Math.floor(key / TYPES);
}

if (2 ** 32 * TYPES > MAX_KEY) throw new RangeError('keys of entries are too large for SortedRows');
