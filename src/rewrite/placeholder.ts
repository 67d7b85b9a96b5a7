import { hasOwner } from '../checkpoint/entry-facts';
import { SCM_RIGHTS } from '../checkpoint/message-rows';
import { decode } from '../schema/decode';
import {
  EXT_FILE_ENTRY_FIELDS,
  FD_TYPES,
  FDINFO_ENTRY_FIELDS,
  FILE_ENTRY_FIELDS,
  FOWN_ENTRY_FIELDS,
  type FownEntry,
  SCM_ENTRY,
  SCM_ENTRY_FIELDS,
  SK_PACKET_ENTRY_FIELDS,
} from '../schema/generated/images';
import { encodeBytesField, encodeVarint, encodeVarintField } from '../wire/encode';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { editFields, patchRecord } from '../wire/patch';
import type { Placeholder } from './decision';
import type { Match } from './match';

const NO_BYTES = Buffer.alloc(0);

/** fown_entry without an owner: CRIU asks for all five fields. */
const NO_OWNER = Buffer.concat(Object.values(FOWN_ENTRY_FIELDS).map((number) => encodeVarintField(number, 0)));

function encodeOwner(owner: FownEntry): Buffer {
  const names = Object.keys(FOWN_ENTRY_FIELDS) as (keyof FownEntry)[];
  return Buffer.concat(names.map((name) => encodeVarintField(FOWN_ENTRY_FIELDS[name], owner[name])));
}

/**
 * The entry of files.img at `bytes[start, end)` as a placeholder: `type EXT`, and in the place of the
 * member that belonged to its type `ext {id, fown}`. All other fields stay as they are.
 *
 * CRIU restores such an entry through the plugin hook RESTORE_EXT_FILE and sets nothing on it but the
 * owner (criu/files-ext.c).
 */
export function makePlaceholder(placeholder: Placeholder, bytes: Uint8Array, start: number, end: number): Buffer {
  return patchRecord(bytes, start, end, [
    { number: FILE_ENTRY_FIELDS.type, replacement: encodeVarintField(FILE_ENTRY_FIELDS.type, FD_TYPES.EXT) },
    { number: FILE_ENTRY_FIELDS.ext, replacement: NO_BYTES },
    { number: placeholder.match.type.member, replacement: extMember(placeholder, bytes, start, end) },
  ]);
}

/** A new entry for what is split off from the one at `bytes[start, end)`, which stays. */
export function makeSplitPlaceholder(placeholder: Placeholder, bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.concat([
    encodeVarintField(FILE_ENTRY_FIELDS.type, FD_TYPES.EXT),
    encodeVarintField(FILE_ENTRY_FIELDS.id, placeholder.fileId),
    extMember(placeholder, bytes, start, end),
  ]);
}

function extMember(placeholder: Placeholder, bytes: Uint8Array, start: number, end: number): Buffer {
  const { match, fileId, keepsOwner } = placeholder;
  const owner = hasOwner(match.facts.owner) && !keepsOwner ? NO_OWNER : ownerBytes(match, bytes, start, end);
  const ext = Buffer.concat([
    encodeVarintField(EXT_FILE_ENTRY_FIELDS.id, fileId),
    encodeBytesField(EXT_FILE_ENTRY_FIELDS.fown, owner),
  ]);
  return encodeBytesField(FILE_ENTRY_FIELDS.ext, ext);
}

/** The record of a descriptor table at `bytes[start, end)`, now of type EXT; with the id of a new entry where it was split. */
export function retypeDescriptor(placeholder: Placeholder, bytes: Uint8Array, start: number, end: number): Buffer {
  const { match, fileId } = placeholder;
  const set = (number: number, value: number) => ({
    number,
    replacement: encodeVarintField(number, value),
    wireType: WIRE_TYPE.VARINT,
  });
  const retype = set(FDINFO_ENTRY_FIELDS.type, FD_TYPES.EXT);
  return patchRecord(bytes, start, end, fileId === match.id ? [retype] : [retype, set(FDINFO_ENTRY_FIELDS.id, fileId)]);
}

/** The record of sk-queues.img at `bytes[start, end)` with other file ids as its SCM rights. */
export function replaceRights(ids: ReadonlyMap<number, number>, bytes: Uint8Array, start: number, end: number): Buffer {
  return editFields(bytes, start, end, (scm) => {
    if (scm.number !== SK_PACKET_ENTRY_FIELDS.scm) return undefined;
    const { type, rights } = decode(SCM_ENTRY, bytes, scm.valueStart, scm.end);
    // What holds none of them stays in its encoding.
    if (type !== SCM_RIGHTS || !rights.some((id) => ids.has(id))) return undefined;
    const message = editFields(bytes, scm.valueStart, scm.end, (field) =>
      field.number === SCM_ENTRY_FIELDS.rights ? replaceIds(field, ids) : undefined,
    );
    return encodeBytesField(SK_PACKET_ENTRY_FIELDS.scm, message);
  });
}

/** A repeated number, packed or not, as it was but for the ids that have another one now. */
function replaceIds(field: FieldCursor, ids: ReadonlyMap<number, number>): Buffer | undefined {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    const id = ids.get(field.uint32());
    return id === undefined ? undefined : encodeVarintField(field.number, id);
  }
  const chunks: Uint8Array[] = [];
  let isChanged = false;
  const packed = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (packed.nextPacked(WIRE_TYPE.VARINT)) {
    const id = ids.get(packed.uint32());
    chunks.push(id === undefined ? field.bytes.subarray(packed.start, packed.end) : encodeVarint(id));
    if (id !== undefined) isChanged = true;
  }
  if (!isChanged) return undefined;
  return encodeBytesField(field.number, Buffer.concat(chunks));
}

/** The owner's own bytes, unknown fields included; made anew where they lie in another entry. */
function ownerBytes(match: Match, bytes: Uint8Array, start: number, end: number): Buffer {
  if (match.type.ownerField === undefined) return encodeOwner(match.facts.owner);
  const parts: Uint8Array[] = [];
  const entry = new FieldCursor().over(bytes, start, end);
  while (entry.next()) {
    if (entry.number !== match.type.member) continue;
    const member = new FieldCursor().over(bytes, entry.valueStart, entry.end);
    while (member.next()) if (member.number === match.type.ownerField) parts.push(member.payload());
  }
  return Buffer.concat(parts);
}
