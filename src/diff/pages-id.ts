import { PAGEMAP_HEAD_FIELDS } from '../schema/generated/images';
import { FieldCursor } from '../wire/field-cursor';

/** N of the pages image of a page map, in the first record of it. Throws WireFault. */
export function pagesIdIn(bytes: Uint8Array, start: number, end: number): number | undefined {
  const cursor = new FieldCursor().over(bytes, start, end);
  let id: number | undefined;
  while (cursor.next()) if (cursor.number === PAGEMAP_HEAD_FIELDS.pages_id) id = cursor.uint32();
  return id;
}
