import type { ExtraRow, ImageKind, RecordRow } from '../frames/image-kinds';
import { TO_THE_END } from '../frames/record-reader';
import { FieldCursor } from '../wire/field-cursor';
import { type FieldShape, shapeOf } from './shape';

/** A part of what follows a record. */
export interface ExtraPart {
  /** Those with a meaning; TO_THE_END: all the rest of the file. */
  readonly bytes: number;
  readonly row: ExtraRow;
}

/** What one record is, and what follows it. */
export interface RecordRole {
  /** The message that it is. */
  readonly message: string;
  /** The parts of its extra; none: no extra. */
  readonly parts: readonly ExtraPart[];
  /** So many records follow that belong to it, as its extra (the messages of a queue). */
  readonly inner: number;
}

/** Says of each record of an image, asked in their order, what it is. Throws WireFault. */
export type RecordGrammar = (bytes: Uint8Array, start: number, end: number) => RecordRole;

/** The grammar of an image, to be used for one reading of it from its beginning. */
export function recordGrammar(kind: ImageKind): RecordGrammar {
  const { first, inner } = kind;
  const others = inner === undefined ? roleReader(kind) : queueReader(kind, inner);
  if (first === undefined) return others;
  const ofFirst = roleReader(first);
  let isFirst = true;
  return (bytes, start, end) => {
    if (!isFirst) return others(bytes, start, end);
    isFirst = false;
    return ofFirst(bytes, start, end);
  };
}

/** The same for entries alone, where nobody asks for the records inside their extras. */
export function entryGrammar(kind: ImageKind): RecordGrammar {
  if (kind.inner === undefined) return recordGrammar(kind);
  return (bytes, start, end) => recordGrammar(kind)(bytes, start, end);
}

/** Records of one message, by what their fields count. */
export function roleReader({ message, extra = [] }: RecordRow): RecordGrammar {
  const plain: RecordRole = { message, parts: [], inner: 0 };
  if (extra.length === 0) return () => plain;
  const readers = extra.map((row) => partReader(message, row));
  return (bytes, start, end) => ({
    message,
    parts: readers.flatMap((read) => read(bytes, start, end)),
    inner: 0,
  });
}

/** Records that others follow, which belong to them. */
function queueReader({ message }: ImageKind, inner: NonNullable<ImageKind['inner']>): RecordGrammar {
  const count = [shapeOf(message).fieldNamed(inner.count)];
  const ofInner = roleReader(inner);
  let pending = 0;
  return (bytes, start, end) => {
    if (pending > 0) {
      pending -= 1;
      return ofInner(bytes, start, end);
    }
    [pending = 0] = valuesOf(bytes, start, end, count);
    return { message, parts: [], inner: pending };
  };
}

type PartReader = (bytes: Uint8Array, start: number, end: number) => readonly ExtraPart[];

function partReader(message: string, row: ExtraRow): PartReader {
  const { counts, itemBytes = 1, unless } = row;
  const condition = unless === undefined ? [] : [shapeOf(message).fieldNamed(unless)];
  const counting = counts === 'all the rest' ? [] : counts.map((name) => shapeOf(message).fieldNamed(name));
  const fields = [...condition, ...counting];
  return (bytes, start, end) => {
    const values = valuesOf(bytes, start, end, fields);
    if (condition.length > 0 && values.shift() !== 0) return [];
    const sum = values.reduce((one, other) => one + other, 0);
    return [{ bytes: counts === 'all the rest' ? TO_THE_END : sum * itemBytes, row }];
  };
}

/** The message that an entry of an image is, by its number: those that are counted, not records inside extras. */
export function messageOfEntry({ message, first }: ImageKind, entry: number): string {
  return entry === 0 && first !== undefined ? first.message : message;
}

/** True where something follows the records of such an image, or may. */
export function hasExtras({ extra, first, inner }: ImageKind): boolean {
  return extra.length > 0 || (first?.extra ?? []).length > 0 || inner !== undefined;
}

/** How many bytes follow a record of this role. */
export function extraBytes({ parts }: RecordRole): number {
  return parts.reduce((sum, part) => sum + part.bytes + paddingOf(part), 0);
}

/** How many zeros follow a part. */
export function paddingOf({ bytes, row: { align } }: ExtraPart): number {
  return align === undefined ? 0 : (align - (bytes % align)) % align;
}

/** The last value of each of the (varint) fields, 0 where one is absent. */
function valuesOf(bytes: Uint8Array, start: number, end: number, fields: readonly FieldShape[]): number[] {
  const values = fields.map(() => 0);
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) {
    const index = fields.findIndex(({ number }) => number === cursor.number);
    if (index === -1) continue;
    // Of a bool, any bit makes it true.
    values[index] = fields[index]?.type === 'uint32' ? cursor.uint32() : cursor.uint64AsNumber();
  }
  return values;
}
