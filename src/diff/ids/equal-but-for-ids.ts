import { type BytesAt, sameBytes } from '../../bytes/same-bytes';
import type { IdKind } from '../../checkpoint/id-kinds';
import { idFieldsOf } from '../../checkpoint/message-rows';
import type { MessageShape } from '../../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import { hasIds } from './id-fields';
import type { IdPairs } from './id-pairs';

/** How a field is compared: as an id, as a message with ids in it, or, undefined, as bytes. */
type Way = IdKind | 'any' | 'not here' | MessageShape;

const ways = new Map<MessageShape, (Way | undefined)[]>();

/**
 * Whether two messages are the same bytes but for ids that stand for the same. False where it takes more to know than
 * to walk over both once; compareMessages knows it then. Throws WireFault.
 */
export function areEqualButForIds(shape: MessageShape, before: BytesAt, after: BytesAt, ids: IdPairs): boolean {
  const waysOfShape = ways.get(shape) ?? findWays(shape);
  const a = new FieldCursor().over(before.bytes, before.start, before.end);
  const b = new FieldCursor().over(after.bytes, after.start, after.end);
  while (a.next()) {
    if (!b.next() || a.number !== b.number || a.wireType !== b.wireType) return false;
    const way = waysOfShape[a.number];
    if (way === undefined) {
      if (!sameBytes(a, b)) return false;
    } else if (way === 'not here') return false;
    else if (typeof way === 'object') {
      if (a.wireType !== WIRE_TYPE.BYTES || !areEqualButForIds(way, payloadOf(a), payloadOf(b), ids)) return false;
    } else if (way !== 'any') {
      if (a.wireType !== WIRE_TYPE.VARINT || !ids.areOne(way, a.uint64AsNumber(), b.uint64AsNumber())) return false;
    }
  }
  return !b.next();
}

function payloadOf({ bytes, valueStart, end }: FieldCursor): BytesAt {
  return { bytes, start: valueStart, end };
}

function findWays(shape: MessageShape): (Way | undefined)[] {
  const found: (Way | undefined)[] = [];
  const idFields = idFieldsOf(shape.name);
  for (const field of shape.fields) {
    const rows = idFields.get(field.number);
    if (rows !== undefined)
      found[field.number] = rows.every(({ when }) => when === undefined) ? rows[0]?.kind : 'not here';
    else if (field.type === 'message' && hasIds(field.message)) found[field.number] = field.message;
  }
  ways.set(shape, found);
  return found;
}
