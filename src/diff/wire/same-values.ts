import { sameBytes } from '../../bytes/same-bytes';
import type { FieldShape } from '../../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import { cursorAt, type Range } from './fields';

/** Whether two values, that cursors stand on, are one to CRIU: numbers whatever their encoding, all else byte for byte. */
function sameValue(field: FieldShape, a: FieldCursor, b: FieldCursor): boolean {
  switch (field.type) {
    case 'bool':
      return ((a.low | a.high) === 0) === ((b.low | b.high) === 0);
    case 'uint32':
    case 'int32':
    case 'sint32':
    case 'enum':
      return a.low === b.low;
    case 'uint64':
    case 'int64':
    case 'sint64':
      return a.low === b.low && a.high === b.high;
    default:
      return sameBytes(
        { bytes: a.bytes, start: a.valueStart, end: a.end },
        { bytes: b.bytes, start: b.valueStart, end: b.end },
      );
  }
}

/** Whether a field that is not repeated, of which the last occurrence counts, has one value on both sides. Throws WireFault. */
export function sameLast(field: FieldShape, a: Uint8Array, left: Range, b: Uint8Array, right: Range): boolean {
  const [x, y] = [cursorAt(a, left), cursorAt(b, right)];
  x.expect(field.wireType);
  y.expect(field.wireType);
  return sameValue(field, x, y);
}

/** Whether a repeated field has the same values on both sides, packed or not. Throws WireFault. */
export function sameRows(
  field: FieldShape,
  a: Uint8Array,
  left: readonly Range[],
  b: Uint8Array,
  right: readonly Range[],
): boolean {
  const [x, y] = [new Row(field, a, left), new Row(field, b, right)];
  for (;;) {
    const [one, other] = [x.next(), y.next()];
    if (one === undefined || other === undefined) return one === other;
    if (!sameValue(field, one, other)) return false;
  }
}

/** The values of a repeated field, one by one. */
class Row {
  private at = 0;
  private packed: FieldCursor | undefined;

  constructor(
    private readonly field: FieldShape,
    private readonly bytes: Uint8Array,
    private readonly ranges: readonly Range[],
  ) {}

  next(): FieldCursor | undefined {
    const { field, bytes, ranges } = this;
    for (;;) {
      if (this.packed?.nextPacked(field.wireType)) return this.packed;
      this.packed = undefined;
      const range = ranges[this.at];
      if (range === undefined) return undefined;
      this.at += 1;
      const cursor = cursorAt(bytes, range);
      if (cursor.wireType !== WIRE_TYPE.BYTES || field.wireType === WIRE_TYPE.BYTES) {
        cursor.expect(field.wireType);
        return cursor;
      }
      this.packed = new FieldCursor().over(bytes, cursor.valueStart, cursor.end);
    }
  }
}

/** Whether a field that no schema knows has the same values of the same wire types on both sides. */
export function sameUnknown(a: Uint8Array, left: readonly Range[], b: Uint8Array, right: readonly Range[]): boolean {
  return left.length === right.length && left.every((range, i) => sameKind(a, range, b, right[i] as Range));
}

function sameKind(a: Uint8Array, left: Range, b: Uint8Array, right: Range): boolean {
  const [x, y] = [cursorAt(a, left), cursorAt(b, right)];
  if (x.wireType !== y.wireType) return false;
  if (x.wireType === WIRE_TYPE.VARINT) return x.low === y.low && x.high === y.high;
  return sameBytes({ bytes: a, start: x.valueStart, end: x.end }, { bytes: b, start: y.valueStart, end: y.end });
}
