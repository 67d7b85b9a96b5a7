import type { BytesAt } from '../../bytes/same-bytes';
import { SCM_RIGHTS } from '../../checkpoint/message-rows';
import type { PlanPlaceholder } from '../../plan/plan';
import { FD_TYPES, FDINFO_ENTRY_FIELDS, SCM_ENTRY_FIELDS, SK_PACKET_ENTRY_FIELDS } from '../../schema/generated/images';
import { encodeBytesField, encodeVarint, encodeVarintField } from '../../wire/encode';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import { numberIn } from '../../wire/number-in';
import { editFields, patchRecord } from '../../wire/patch';
import { typeOfPlaceholder } from './placeholder-entry';

/**
 * The bytes of a descriptor of a placeholder: its type, the id where the placeholder was split off, and all else as it
 * was. Undefined where it is none of the entry that the plan says. Throws WireFault.
 */
export function turnedDescriptor(placeholder: PlanPlaceholder, record: BytesAt): Buffer | undefined {
  const { file_id, split_from } = placeholder;
  const { id, type } = FDINFO_ENTRY_FIELDS;
  if (numberIn(record, id) !== (split_from ?? file_id)) return undefined;
  if (numberIn(record, type) !== typeOfPlaceholder(placeholder)?.number) return undefined;
  const set = (number: number, value: number) => ({ number, replacement: encodeVarintField(number, value) });
  const turned = set(type, FD_TYPES.EXT);
  const edits = split_from === undefined ? [turned] : [turned, set(id, file_id)];
  return patchRecord(record.bytes, record.start, record.end, edits);
}

/** The bytes of a packet in a queue with other file ids as its SCM rights, and all else as it was. Throws WireFault. */
export function movedRights(ids: ReadonlyMap<number, number>, { bytes, start, end }: BytesAt): Buffer {
  return editFields(bytes, start, end, (field) => {
    if (field.number !== SK_PACKET_ENTRY_FIELDS.scm) return undefined;
    const scm = { bytes, start: field.valueStart, end: field.end };
    if (numberIn(scm, SCM_ENTRY_FIELDS.type) !== SCM_RIGHTS) return undefined;
    let isMoved = false;
    const moved = editFields(bytes, scm.start, scm.end, (right) => {
      const other = right.number === SCM_ENTRY_FIELDS.rights ? otherIds(right, ids) : undefined;
      isMoved ||= other !== undefined;
      return other;
    });
    return isMoved ? encodeBytesField(SK_PACKET_ENTRY_FIELDS.scm, moved) : undefined;
  });
}

/** A list of ids, packed or not, with those exchanged that have another one now; undefined where none has. */
function otherIds(field: FieldCursor, ids: ReadonlyMap<number, number>): Buffer | undefined {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    const id = ids.get(field.uint32());
    return id === undefined ? undefined : encodeVarintField(field.number, id);
  }
  const values: Uint8Array[] = [];
  let isOther = false;
  const row = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (row.nextPacked(WIRE_TYPE.VARINT)) {
    const id = ids.get(row.uint32());
    values.push(id === undefined ? row.bytes.subarray(row.start, row.end) : encodeVarint(id));
    isOther ||= id !== undefined;
  }
  return isOther ? encodeBytesField(field.number, Buffer.concat(values)) : undefined;
}
