import { type BytesAt, sameBytes } from '../bytes/same-bytes';
import { type IdField, idFieldsOf } from '../checkpoint/message-rows';
import type { FieldShape, MessageShape } from '../schema/shape';
import { isSameByBytes } from './ids/id-fields';
import type { IdPairs, Side } from './ids/id-pairs';
import { cursorAt, fieldsIn, joinedPayload, payloadAt, type Range } from './wire/fields';
import { idsInField } from './wire/ids-in-field';
import { pairingKey, pairingKeyOfIds } from './wire/message-name';
import { areSameButFor } from './wire/same-but-for';
import { sameLast, sameRows, sameUnknown } from './wire/same-values';
import type { FieldValue, Item, Step, ValueChange } from './wire/value-change';

export interface MessageOptions {
  /** Messages of secrets are compared inside, not as one value. */
  readonly showsBytes?: boolean;
  /** Tells ids apart: those that stand for the same are no difference. */
  readonly ids?: IdPairs | undefined;
}

/**
 * What differs between two messages, field by field, by number and value: nothing is shown and nothing read of a text.
 * Equal bytes give nothing, unless ids in them stand for something else. Throws WireFault.
 */
export function compareMessages(
  shape: MessageShape,
  before: BytesAt,
  after: BytesAt,
  options: MessageOptions = {},
): ValueChange[] {
  const changes: ValueChange[] = [];
  new Comparison(changes, options).messages(shape, before, after, [], false);
  return changes;
}

/** A message and its fields. */
interface FieldsOf {
  readonly message: BytesAt;
  readonly fields: ReadonlyMap<number, readonly Range[]>;
}

const NONE: readonly Range[] = [];

/** The last occurrence counts; whoever reads it walks over those before it. Throws WireFault where one is malformed. */
function checkEarlier(field: FieldShape, bytes: Uint8Array, ranges: readonly Range[]): void {
  // Nearly all fields stand once, and this is asked of each.
  if (ranges.length < 2 || field.label === 'repeated') return;
  for (const range of ranges.slice(0, -1)) cursorAt(bytes, range).expect(field.wireType);
}

class Comparison {
  /** How many differences were told or, being ids of the same, passed over: their bytes need not be equal. */
  private told = 0;

  constructor(
    private readonly changes: ValueChange[],
    private readonly options: MessageOptions,
  ) {}

  messages(shape: MessageShape, before: BytesAt, after: BytesAt, path: readonly Step[], hex: boolean): void {
    const { ids } = this.options;
    if (isSameByBytes(shape, ids) && sameBytes(before, after)) return;
    const old: FieldsOf = { message: before, fields: fieldsIn(before) };
    const fresh: FieldsOf = { message: after, fields: fieldsIn(after) };
    const touched = new Set<number>();
    let isReordered = false;
    const compare = (number: number, work: () => void) => {
      const { told } = this;
      work();
      if (this.told > told) touched.add(number);
    };
    const idFields = ids && idFieldsOf(shape.name);
    for (const field of shape.fields) {
      const [a, b] = [old.fields.get(field.number) ?? NONE, fresh.fields.get(field.number) ?? NONE];
      if (a.length === 0 && b.length === 0) continue;
      checkEarlier(field, before.bytes, a);
      checkEarlier(field, after.bytes, b);
      const rows = idFields?.get(field.number);
      const below = [...path, { number: field.number, field }];
      compare(field.number, () => {
        if (rows !== undefined) this.idField(field, rows, old, fresh, below);
        else if (field.type === 'message' && field.label === 'repeated')
          isReordered = this.list(field, before, a, after, b, path, hex) || isReordered;
        else this.field(field, before, a, after, b, below, hex);
      });
    }
    for (const number of unknownIn(shape, old, fresh)) {
      const [a, b] = [old.fields.get(number) ?? NONE, fresh.fields.get(number) ?? NONE];
      if (sameUnknown(before.bytes, a, after.bytes, b)) continue;
      const value = ({ bytes }: BytesAt, at: readonly Range[]): FieldValue | undefined =>
        at.length === 0 ? undefined : { is: 'unknown', bytes, at };
      compare(number, () => this.tell([...path, { number, field: undefined }], value(before, a), value(after, b)));
    }
    if (isReordered || !areSameButFor(touched, before, after)) {
      const value = ({ start, end }: BytesAt): FieldValue => ({ is: 'encoding', bytes: end - start });
      this.tell(path, value(before), value(after));
    }
  }

  private field(
    field: FieldShape,
    before: BytesAt,
    a: readonly Range[],
    after: BytesAt,
    b: readonly Range[],
    path: readonly Step[],
    outerHex: boolean,
  ): void {
    if (field.type === 'message' && a.length === 1 && b.length === 1 && !this.isHidden(field)) {
      const [x, y] = [payloadAt(before.bytes, a[0] as Range), payloadAt(after.bytes, b[0] as Range)];
      this.messages(field.message, x, y, path, outerHex || field.display.hex === true);
      return;
    }
    if (this.isSame(field, before.bytes, a, after.bytes, b)) return;
    const value = ({ bytes }: BytesAt, at: readonly Range[]): FieldValue | undefined =>
      at.length === 0 ? undefined : { is: 'field', field, bytes, at, hex: outerHex };
    this.tell(path, value(before, a), value(after, b));
  }

  private isSame(field: FieldShape, a: Uint8Array, left: readonly Range[], b: Uint8Array, right: readonly Range[]) {
    const [x, y] = [left.at(-1), right.at(-1)];
    if (x === undefined || y === undefined) return false;
    if (field.label === 'repeated') return sameRows(field, a, left, b, right);
    if (field.type !== 'message') return sameLast(field, a, x, b, y);
    const [joined, other] = [joinedPayload(a, left), joinedPayload(b, right)];
    if (this.isHidden(field)) return sameBytes(joined, other);
    // A message in several parts is one value, and the same one however it is put into parts.
    return compareMessages(field.message, joined, other, this.options).every(({ before }) => before?.is === 'encoding');
  }

  /** Ids, by what they stand for. */
  private idField(
    field: FieldShape,
    rows: readonly IdField[],
    before: FieldsOf,
    after: FieldsOf,
    path: readonly Step[],
  ): void {
    const ids = this.options.ids as IdPairs;
    const a = idsInField(field, rows, before.message.bytes, before.fields);
    const b = idsInField(field, rows, after.message.bytes, after.fields);
    if (a.kind === 'any' && a.ranges.length > 0 && b.ranges.length > 0) {
      this.told += 1;
      return;
    }
    if (a.kind === undefined || a.kind === 'any' || a.kind !== b.kind) {
      this.field(field, before.message, a.ranges, after.message, b.ranges, path, false);
      return;
    }
    const { kind } = a;
    if (
      a.numbers.length === b.numbers.length &&
      a.numbers.every((id, i) => ids.areOne(kind, id, b.numbers[i] as number))
    ) {
      this.told += 1;
      return;
    }
    const isRow = field.label === 'repeated';
    const value = ({ numbers }: { readonly numbers: readonly number[] }): FieldValue | undefined =>
      numbers.length === 0 && !isRow ? undefined : { is: 'ids', kind, numbers, isRow };
    this.tell(path, value(a), value(b));
  }

  private tell(path: readonly Step[], before: FieldValue | undefined, after: FieldValue | undefined): void {
    this.told += 1;
    this.changes.push({ path, before, after });
  }

  private isHidden({ display }: FieldShape): boolean {
    return display.secret === true && this.options.showsBytes !== true;
  }

  /**
   * Messages of a list, paired by what they are, or by their place. True where they stand in another order; with ids
   * that are told apart, none is the right one.
   */
  private list(
    field: FieldShape,
    before: BytesAt,
    a: readonly Range[],
    after: BytesAt,
    b: readonly Range[],
    path: readonly Step[],
    outerHex: boolean,
  ): boolean {
    const hex = outerHex || field.display.hex === true;
    const old = this.itemsOf('before', field.message, before.bytes, a);
    const fresh = this.itemsOf('after', field.message, after.bytes, b);
    const below = (item: Item) => [...path, { number: field.number, field, item }];
    const value = ({ shape, message }: Item): FieldValue => ({ is: 'message', shape, message });
    let isReordered = false;
    let last = -1;
    for (const item of old.values()) {
      const other = fresh.get(item.key);
      if (other === undefined) {
        this.tell(below(item), value(item), undefined);
        continue;
      }
      if (other.place < last) isReordered = true;
      last = other.place;
      this.messages(field.message, item.message, other.message, below(item), hex);
    }
    for (const item of fresh.values()) if (!old.has(item.key)) this.tell(below(item), undefined, value(item));
    return isReordered && this.options.ids === undefined;
  }

  /** Messages of a list by what pairs them. */
  private itemsOf(side: Side, shape: MessageShape, bytes: Uint8Array, ranges: readonly Range[]): Map<string, Item> {
    const { ids } = this.options;
    const items = new Map<string, Item>();
    const times = new Map<string, number>();
    for (const [place, range] of ranges.entries()) {
      const message = payloadAt(bytes, range);
      const name = ids === undefined ? pairingKey(shape, message) : pairingKeyOfIds(shape, message, ids, side);
      const time = name === undefined ? 1 : (times.get(name) ?? 0) + 1;
      if (name !== undefined) times.set(name, time);
      // The time comes first: a name can end in anything.
      const key = name === undefined ? `#${place}` : `${time}: ${name}`;
      items.set(key, { shape, message, place, time, key });
    }
    return items;
  }
}

/** Numbers of fields that no schema knows, ascending. */
function unknownIn(shape: MessageShape, before: FieldsOf, after: FieldsOf): number[] {
  const numbers = new Set([...before.fields.keys(), ...after.fields.keys()]);
  return [...numbers].filter((number) => shape.numbered(number) === undefined).sort((a, b) => a - b);
}
