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

/** The fields of a message and of those inside that hold file ids, by field number. */
interface Holder {
  readonly ids: ReadonlyMap<number, readonly HeldField[]>;
  /** Of these, the fields of 64 bits. */
  readonly wide: ReadonlySet<number>;
  /** Fields that say which rows hold. */
  readonly conditions: readonly number[];
  readonly embedded: ReadonlyMap<number, Holder>;
}

const holders = new Map<MessageShape, Holder>();
const NOTHING: Holder = { ids: new Map(), wide: new Set(), conditions: [], embedded: new Map() };

function isEmpty({ ids, embedded }: Holder): boolean {
  return ids.size + embedded.size === 0;
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
  const ids = new Map<number, readonly HeldField[]>();
  for (const [number, rows] of idFieldsOf(name)) {
    const held = rows.filter((row): row is HeldField => row.holder !== undefined);
    if (held.length > 0) ids.set(number, held);
  }
  const embedded = fields.flatMap((field): [number, Holder][] => {
    if (field.type !== 'message') return [];
    const below = holderOf(field.message);
    return isEmpty(below) ? [] : [[field.number, below]];
  });
  return {
    ids,
    wide: new Set(fields.flatMap(({ number, type }) => (type === 'uint64' ? [number] : []))),
    conditions: [...new Set([...ids.values()].flat().flatMap(({ when }) => when?.field ?? []))],
    embedded: new Map(embedded),
  };
}

/** Those of the messages inside come first. A checkpoint has a million mappings: nothing is kept of each. */
function visitMessage(holder: Holder, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  const { ids, conditions, embedded } = holder;
  const field = (spare.pop() ?? new FieldCursor()).over(bytes, start, end);
  let hasIds = false;
  let values: (number | undefined)[] | undefined;
  while (field.next()) {
    hasIds ||= ids.has(field.number);
    const condition = conditions.indexOf(field.number);
    if (condition !== -1) {
      values ??= new Array(conditions.length);
      values[condition] = field.uint32();
    }
    const below = embedded.get(field.number);
    if (below === undefined) continue;
    field.expect(WIRE_TYPE.BYTES);
    visitMessage(below, bytes, field.valueStart, field.end, visit);
  }
  if (hasIds) field.over(bytes, start, end);
  while (hasIds && field.next()) {
    for (const { holder: kind, when } of ids.get(field.number) ?? NO_ROWS) {
      const value = when && values?.[conditions.indexOf(when.field)];
      eachNumber(field, holder.wide.has(field.number), (id) => {
        if (when === undefined || when.holds(value, id)) visit(id, kind);
      });
    }
  }
  spare.push(field);
}

/** Cursors that no call uses now. */
const spare: FieldCursor[] = [];
const NO_ROWS: readonly HeldField[] = [];

/** A number, or a repeated one, packed or not. */
function eachNumber(field: FieldCursor, isWide: boolean, visit: (value: number) => void): void {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    visitNumber(field, isWide, visit);
    return;
  }
  const packed = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (packed.nextPacked(WIRE_TYPE.VARINT)) visitNumber(packed, isWide, visit);
}

/** CRIU reads the low 32 bits where 32 are declared; a wider number past those of file ids is none. */
function visitNumber(field: FieldCursor, isWide: boolean, visit: (value: number) => void): void {
  const value = isWide ? field.uint64AsNumber() : field.uint32();
  if (value < 2 ** 32) visit(value);
}
