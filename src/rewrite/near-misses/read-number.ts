import type { FileEntryView } from '../../checkpoint/file-entry';
import { FieldCursor } from '../../wire/field-cursor';

/** The last value of a field of an entry, up to 2^32 - 1; undefined if the entry has none. */
export function readNumber(view: FileEntryView, field: number): number | undefined {
  let number: number | undefined;
  const cursor = new FieldCursor().over(view.bytes, view.start, view.end);
  while (cursor.next()) if (cursor.number === field) number = cursor.uint32();
  return number;
}
