import { hasOwner } from '../checkpoint/entry-types';
import {
  EXT_FILE_ENTRY_FIELDS,
  FD_TYPES,
  FDINFO_ENTRY_FIELDS,
  FILE_ENTRY_FIELDS,
  FOWN_ENTRY_FIELDS,
} from '../schema/generated/images';
import { encodeBytesField, encodeVarintField } from '../wire/encode';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { patchRecord } from '../wire/patch';
import type { Match } from './match';

const NO_BYTES = Buffer.alloc(0);

/** fown_entry without an owner: CRIU asks for all five fields. */
const NO_OWNER = Buffer.concat(Object.values(FOWN_ENTRY_FIELDS).map((field) => encodeVarintField(field, 0)));

/**
 * The entry of files.img at `bytes[start, end)` as a placeholder: `type EXT`, and in the place of the
 * member that belonged to its type `ext {id, fown}`. All other fields stay as they are.
 *
 * CRIU restores such an entry through the plugin hook RESTORE_EXT_FILE and sets nothing on it but the
 * owner (criu/files-ext.c). Where one is set, it is left out: on a dup it would change the caller's
 * own file.
 */
export function makePlaceholder(match: Match, bytes: Uint8Array, start: number, end: number): Buffer {
  const owner = hasOwner(match.facts.owner) ? NO_OWNER : ownerBytes(match, bytes, start, end);
  const ext = Buffer.concat([
    encodeVarintField(EXT_FILE_ENTRY_FIELDS.id, match.id),
    encodeBytesField(EXT_FILE_ENTRY_FIELDS.fown, owner),
  ]);
  return patchRecord(bytes, start, end, [
    { number: FILE_ENTRY_FIELDS.type, replacement: encodeVarintField(FILE_ENTRY_FIELDS.type, FD_TYPES.EXT) },
    { number: FILE_ENTRY_FIELDS.ext, replacement: NO_BYTES },
    { number: match.type.member, replacement: encodeBytesField(FILE_ENTRY_FIELDS.ext, ext) },
  ]);
}

/** The record of a descriptor table at `bytes[start, end)`, now of type EXT. */
export function retypeDescriptor(bytes: Uint8Array, start: number, end: number): Buffer {
  const replacement = encodeVarintField(FDINFO_ENTRY_FIELDS.type, FD_TYPES.EXT);
  return patchRecord(bytes, start, end, [
    { number: FDINFO_ENTRY_FIELDS.type, replacement, wireType: WIRE_TYPE.VARINT },
  ]);
}

/** The owner's own bytes, unknown fields included. */
function ownerBytes(match: Match, bytes: Uint8Array, start: number, end: number): Buffer {
  const parts: Uint8Array[] = [];
  const entry = new FieldCursor().over(bytes, start, end);
  while (entry.next()) {
    if (entry.number !== match.type.member) continue;
    const member = new FieldCursor().over(bytes, entry.valueStart, entry.end);
    while (member.next()) if (member.number === match.type.ownerField) parts.push(member.payload());
  }
  return Buffer.concat(parts);
}
