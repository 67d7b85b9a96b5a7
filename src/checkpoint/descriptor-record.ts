import { FDINFO_ENTRY_FIELDS } from '../schema/generated/images';
import type { FieldCursor } from '../wire/field-cursor';

/** Bit 0 of fdinfo_entry.flags: FD_CLOEXEC of fcntl(2). */
const CLOSE_ON_EXEC = 1;

export function isCloseOnExec(flags: number): boolean {
  return (flags & CLOSE_ON_EXEC) !== 0;
}

/** The file id in the record of a descriptor table, nothing else of it being read; -1 where there is none. Throws WireFault. */
export function fileIdOf(cursor: FieldCursor, bytes: Uint8Array, start: number, end: number): number {
  let id = -1;
  cursor.over(bytes, start, end);
  while (cursor.next()) if (cursor.number === FDINFO_ENTRY_FIELDS.id) id = cursor.uint32();
  return id;
}
