import type { BytesAt } from '../bytes/same-bytes';
import { FieldCursor } from './field-cursor';

/** The last value of a field of a message, up to 2^32 - 1; undefined if the message has none. Throws WireFault. */
export function numberIn({ bytes, start, end }: BytesAt, field: number): number | undefined {
  const cursor = new FieldCursor().over(bytes, start, end);
  let number: number | undefined;
  while (cursor.next()) if (cursor.number === field) number = cursor.uint32();
  return number;
}
