import { pushTo } from '../../bytes/groups';
import type { BytesAt } from '../../bytes/same-bytes';
import { WireFault } from '../../errors/wire-fault';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';

/** A field on the wire, tag included, as positions in a buffer. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** So many fields of one message are kept: Linux gives a task 65,530 mappings, some systems 262,144. */
export const MAX_FIELDS = 1 << 18;
/** A message in several parts is put together; CRIU writes none. */
const MAX_JOINED_BYTES = 1 << 24;

const LIMIT_HINT = 'no dump of CRIU has so many: look where the image comes from';
const JOIN_HINT = 'CRIU writes each message in one part: look where the image comes from';

function checkFields(count: number, at: number): void {
  if (count <= MAX_FIELDS) return;
  const problem = `the message has more than ${MAX_FIELDS} fields, the most that diff takes`;
  throw new WireFault(problem, at, undefined, undefined, LIMIT_HINT);
}

/** Where the fields of a message stand, by number. Throws WireFault. */
export function fieldsIn({ bytes, start, end }: BytesAt): Map<number, Range[]> {
  const found = new Map<number, Range[]>();
  const cursor = new FieldCursor().over(bytes, start, end);
  let count = 0;
  while (cursor.next()) {
    count += 1;
    checkFields(count, start);
    pushTo(found, cursor.number, { start: cursor.start, end: cursor.end });
  }
  return found;
}

/** A cursor that stands on one occurrence of a field. */
export function cursorAt(bytes: Uint8Array, { start, end }: Range): FieldCursor {
  const cursor = new FieldCursor().over(bytes, start, end);
  cursor.next();
  return cursor;
}

/** What lies in a field of bytes. Throws WireFault. */
export function payloadAt(bytes: Uint8Array, range: Range): BytesAt {
  const cursor = cursorAt(bytes, range);
  cursor.expect(WIRE_TYPE.BYTES);
  return { bytes, start: cursor.valueStart, end: cursor.end };
}

/** What lies in all occurrences of a field of bytes, in a row. Throws WireFault. */
export function joinedPayload(bytes: Uint8Array, ranges: readonly Range[]): BytesAt {
  if (ranges.length === 1) return payloadAt(bytes, ranges[0] as Range);
  const parts = ranges.map((range) => {
    const { start, end } = payloadAt(bytes, range);
    return bytes.subarray(start, end);
  });
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length > MAX_JOINED_BYTES) {
    const problem = `the parts of the message have ${length} bytes, more than the ${MAX_JOINED_BYTES} that diff joins`;
    throw new WireFault(problem, (ranges[0] as Range).start, undefined, undefined, JOIN_HINT);
  }
  const joined = Buffer.concat(parts, length);
  return { bytes: joined, start: 0, end: joined.length };
}

/** The numbers of a field, packed or not. Throws WireFault. */
export function numbersIn(bytes: Uint8Array, ranges: readonly Range[]): number[] {
  const numbers: number[] = [];
  for (const range of ranges) {
    const cursor = cursorAt(bytes, range);
    if (cursor.wireType !== WIRE_TYPE.BYTES) {
      numbers.push(cursor.uint64AsNumber());
      continue;
    }
    const packed = new FieldCursor().over(bytes, cursor.valueStart, cursor.end);
    while (packed.nextPacked(WIRE_TYPE.VARINT)) {
      numbers.push(packed.uint64AsNumber());
      checkFields(numbers.length, range.start);
    }
  }
  return numbers;
}
