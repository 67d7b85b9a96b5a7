import { FILE_ENTRY_FIELDS } from '../schema/generated/images';
import { type MessageShape, shapeOf } from '../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { type HolderKind, type IdField, idFieldsOf } from './message-rows';

/** Members of a file_entry that name the REG entry with their path; absent, the entry's own id does. */
const REGF_MESSAGES = new Map<number, string>([
  [FILE_ENTRY_FIELDS.fifo, 'fifo_entry'],
  [FILE_ENTRY_FIELDS.tty, 'tty_file_entry'],
]);

export type VisitFileId = (id: number, kind: HolderKind) => void;

/** True for a message that holds file ids, itself or in messages inside, without being an entry or descriptor. */
export function holdsFileIds(message: string): boolean {
  return !isEmpty(holderOf(shapeOf(message)));
}

/** Visits the file ids in one message. Throws WireFault. */
export function visitFileIds(message: string, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  visitMessage(holderOf(shapeOf(message)), bytes, start, end, visit);
}

/** The members of file_entry that may name another entry. */
export const REGF_MEMBERS: ReadonlySet<number> = new Set(REGF_MESSAGES.keys());

/** Visits the id of the REG entry that a FIFO's or terminal's entry names. `member`: field number in file_entry. */
export function visitRegf(member: number, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  const message = REGF_MESSAGES.get(member);
  if (message !== undefined) visitFileIds(message, bytes, start, end, visit);
}

/** A field that holds a file id for another reason than that the entry is its own. */
type HeldField = IdField & { readonly holder: HolderKind };

/** A field of a message that has to do with file ids: it holds them itself or inside, or says which rows hold. */
interface Part {
  /** The rows of the ids that it holds, each with the place of its condition among those of the message, or -1. */
  readonly rows: readonly { readonly field: HeldField; readonly condition: number }[];
  /** It has 64 bits. */
  readonly isWide: boolean;
  /** Its own place among the conditions; -1: it is none. */
  readonly condition: number;
  readonly embedded: Holder | undefined;
}

/** The fields of a message that have to do with file ids, by field number. */
interface Holder {
  readonly parts: ReadonlyMap<number, Part>;
  readonly conditions: number;
}

const holders = new Map<MessageShape, Holder>();
const NOTHING: Holder = { parts: new Map(), conditions: 0 };

function isEmpty({ parts }: Holder): boolean {
  return parts.size === 0;
}

function holderOf(message: MessageShape): Holder {
  let holder = holders.get(message);
  if (holder === undefined) {
    // A message that holds itself holds nothing more by that.
    holders.set(message, NOTHING);
    holder = makeHolder(message);
    holders.set(message, holder);
  }
  return holder;
}

function makeHolder({ name, fields }: MessageShape): Holder {
  const held = new Map<number, readonly HeldField[]>();
  for (const [number, rows] of idFieldsOf(name)) {
    held.set(
      number,
      rows.filter((row): row is HeldField => row.holder !== undefined),
    );
  }
  const conditions = [...new Set([...held.values()].flat().flatMap(({ when }) => when?.field ?? []))];
  const placeOf = (field: number | undefined) => (field === undefined ? -1 : conditions.indexOf(field));
  const parts = new Map<number, Part>();
  for (const field of fields) {
    const { number, type } = field;
    const below = type === 'message' ? holderOf(field.message) : NOTHING;
    const part: Part = {
      rows: (held.get(number) ?? []).map((row) => ({ field: row, condition: placeOf(row.when?.field) })),
      isWide: type === 'uint64',
      condition: placeOf(number),
      embedded: isEmpty(below) ? undefined : below,
    };
    if (part.rows.length > 0 || part.condition !== -1 || part.embedded !== undefined) parts.set(number, part);
  }
  return { parts, conditions: conditions.length };
}

/** The values that a message has for its conditions, by their places; undefined if it has none. */
type Values = (number | undefined)[] | undefined;

/**
 * Those of the messages inside come first. A checkpoint has a million mappings: nothing is kept of each, and no loop has
 * an iterator or a function of its own.
 */
function visitMessage(holder: Holder, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  const { parts, conditions } = holder;
  const field = (spare.pop() ?? new FieldCursor()).over(bytes, start, end);
  let hasIds = false;
  let values: Values;
  while (field.next()) {
    const part = parts.get(field.number);
    if (part === undefined) continue;
    hasIds ||= part.rows.length > 0;
    if (part.condition !== -1) {
      values ??= new Array(conditions);
      values[part.condition] = field.uint32();
    }
    if (part.embedded === undefined) continue;
    field.expect(WIRE_TYPE.BYTES);
    visitMessage(part.embedded, bytes, field.valueStart, field.end, visit);
  }
  if (hasIds) field.over(bytes, start, end);
  while (hasIds && field.next()) {
    const part = parts.get(field.number);
    if (part !== undefined && part.rows.length > 0) visitNumbers(field, part, values, visit);
  }
  spare.push(field);
}

/** Cursors that no call uses now. */
const spare: FieldCursor[] = [];

/** A number, or a repeated one, packed or not. */
function visitNumbers(field: FieldCursor, part: Part, values: Values, visit: VisitFileId): void {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    visitNumber(field, part, values, visit);
    return;
  }
  const packed = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (packed.nextPacked(WIRE_TYPE.VARINT)) visitNumber(packed, part, values, visit);
}

/** CRIU reads the low 32 bits where 32 are declared; a wider number past those of file ids is none. */
function visitNumber(field: FieldCursor, { rows, isWide }: Part, values: Values, visit: VisitFileId): void {
  const id = isWide ? field.uint64AsNumber() : field.uint32();
  if (id >= 2 ** 32) return;
  for (let i = 0; i < rows.length; i += 1) {
    const { field: row, condition } = rows[i] as Part['rows'][number];
    if (row.when === undefined || row.when.holds(values?.[condition], id)) visit(id, row.holder);
  }
}
