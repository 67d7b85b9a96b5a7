import { FieldCursor, type WIRE_TYPE } from './field-cursor';

/** What to do with one field of a record. */
export interface FieldEdit {
  /** Field number. */
  number: number;
  /** The field's new bytes, tag included; empty to remove it. */
  replacement: Uint8Array;
  /** Fails where the field has another wire type; any where undefined. */
  wireType?: (typeof WIRE_TYPE)[keyof typeof WIRE_TYPE];
}

/**
 * A copy of the record `bytes[start, end)` in which each edited field is replaced where its last
 * occurrence stands, earlier ones are gone, and a field that was not there is added at the end.
 * All other bytes are copied as they are. Throws WireFault.
 *
 * The last occurrence is the one that counts to a decoder; for embedded messages all of them do, which
 * is why earlier ones go as well.
 */
export function patchRecord(bytes: Uint8Array, start: number, end: number, edits: readonly FieldEdit[]): Buffer {
  const last = new Map<number, number>();
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) {
    const edit = edits.find((candidate) => candidate.number === cursor.number);
    if (edit === undefined) continue;
    if (edit.wireType !== undefined) cursor.expect(edit.wireType);
    last.set(cursor.number, cursor.start);
  }
  const chunks: Uint8Array[] = [];
  cursor.over(bytes, start, end);
  while (cursor.next()) {
    const edit = edits.find((candidate) => candidate.number === cursor.number);
    if (edit === undefined) chunks.push(bytes.subarray(cursor.start, cursor.end));
    else if (last.get(edit.number) === cursor.start) chunks.push(edit.replacement);
  }
  for (const edit of edits) if (!last.has(edit.number)) chunks.push(edit.replacement);
  return Buffer.concat(chunks);
}

/**
 * A copy of the record `bytes[start, end)` in which each field is what `edit` gives for it, tag included; where it
 * gives undefined, the bytes that were there. Throws WireFault.
 */
export function editFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  edit: (field: FieldCursor) => Uint8Array | undefined,
): Buffer {
  const chunks: Uint8Array[] = [];
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) chunks.push(edit(cursor) ?? bytes.subarray(cursor.start, cursor.end));
  return Buffer.concat(chunks);
}
