import type { BytesAt } from '../../bytes/same-bytes';
import { sha256Of } from '../../bytes/sha256';
import { idFieldsOf, namesOf } from '../../checkpoint/message-rows';
import type { FieldShape, MessageShape } from '../../schema/shape';
import { WIRE_TYPE } from '../../wire/field-cursor';
import type { IdPairs, Side } from '../ids/id-pairs';
import { cursorAt, fieldsIn, numbersIn, payloadAt, type Range } from './fields';
import { kindOfIds } from './ids-in-field';

/** A field that names a message, and where its value lies; nowhere, where the message does not have it. */
export interface NamePart {
  readonly name: string;
  readonly field: FieldShape;
  readonly bytes: Uint8Array;
  readonly at: Range | undefined;
}

/** Names longer than this are told apart by their digests. */
const MAX_KEY_BYTES = 1 << 10;

/** The fields that name a message among others of its kind; none where only its place does. Throws WireFault. */
export function nameParts(shape: MessageShape, message: BytesAt): NamePart[] {
  return namesOf(shape.name).map((name) => partOf(shape, message, name.split('.')));
}

function partOf(shape: MessageShape, message: BytesAt, path: readonly string[]): NamePart {
  const [step = '', ...inner] = path;
  const field = shape.named(step) as FieldShape;
  const last = fieldsIn(message).get(field.number)?.at(-1);
  const name = path.at(-1) ?? step;
  if (last === undefined || inner.length === 0) return { name, field, bytes: message.bytes, at: last };
  return partOf(field.message, payloadAt(message.bytes, last), inner);
}

/** What pairs messages of two sides: equal for those that equal values name. Undefined where only their place does. */
export function pairingKey(shape: MessageShape, message: BytesAt): string | undefined {
  const parts = nameParts(shape, message);
  return parts.length === 0 ? undefined : parts.map(keyOfPart).join(',');
}

/** The same, with ids as `ids` names them. Throws WireFault. */
export function pairingKeyOfIds(shape: MessageShape, message: BytesAt, ids: IdPairs, side: Side): string | undefined {
  const names = namesOf(shape.name);
  if (names.length === 0) return undefined;
  return names
    .map((name) => {
      const field = shape.named(name);
      const rows = field && idFieldsOf(shape.name).get(field.number);
      if (field === undefined || rows === undefined) return keyOfPart(partOf(shape, message, name.split('.')));
      const fields = fieldsIn(message);
      const numbers = numbersIn(message.bytes, fields.get(field.number) ?? []);
      const kind = kindOfIds(rows, message.bytes, fields, numbers);
      if (kind === undefined || kind === 'any') return numbers.join(' ');
      return numbers.map((id) => ids.nameOf(kind, side, id)).join(' ');
    })
    .join(',');
}

/** Numbers by their value; a text with its length before it, so that none is taken for another one or for several. */
function keyOfPart({ field, bytes, at }: NamePart): string {
  if (at === undefined) return '-';
  const cursor = cursorAt(bytes, at);
  cursor.expect(field.wireType);
  if (cursor.wireType === WIRE_TYPE.VARINT) return is32Bits(field) ? `${cursor.low}` : `${cursor.uint64()}`;
  const value = bytes.subarray(cursor.valueStart, cursor.end);
  if (value.length > MAX_KEY_BYTES) return `digest ${sha256Of([value])}`;
  return `${value.length} ${Buffer.from(value).toString('latin1')}`;
}

function is32Bits({ type }: FieldShape): boolean {
  return type === 'enum' || type.endsWith('32');
}
