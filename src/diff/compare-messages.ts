import { type BytesAt, sameBytes } from '../bytes/same-bytes';
import type { FieldShape, MessageShape } from '../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { identityOf } from './identity';
import { type IdField, idFieldsOf, isSameByBytes } from './ids/id-fields';
import type { IdPairs, Side } from './ids/id-pairs';
import type { Range, ValueText } from './value-text';

/** One difference inside an entry. */
export interface FieldChange {
  /** As jq has it, without the first dot: reg.pos, vmas[start 0x400000].flags; # and a number for a field that no schema knows. */
  readonly path: string;
  /** As `fdgraft show` writes it; undefined where it is not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** A message in a buffer. */
export type MessageAt = BytesAt;

/**
 * What differs between two messages, field by field. Equal bytes give nothing, unless ids in them are told apart by
 * `ids`: those that stand for the same are no difference then. Throws WireFault.
 */
export function compareMessages(
  shape: MessageShape,
  before: MessageAt,
  after: MessageAt,
  text: ValueText,
  ids?: IdPairs,
): FieldChange[] {
  const changes: FieldChange[] = [];
  new Comparison(changes, text, ids).messages(shape, before, after, '', false);
  return changes;
}

/** What names a message among others of its kind, such as `id 3`; undefined where only its place does. Throws WireFault. */
export function nameOf(shape: MessageShape, message: MessageAt, text: ValueText): string | undefined {
  const names = identityOf(shape.name);
  if (names.length === 0) return undefined;
  return names.map((name) => `${name.split('.').at(-1)} ${valueAt(shape, message, name.split('.'), text)}`).join(', ');
}

/** The same, with ids as `ids` names them: equal for messages of two checkpoints that are the same thing. Throws WireFault. */
export function pairingNameOf(
  shape: MessageShape,
  message: MessageAt,
  text: ValueText,
  ids: IdPairs,
  side: Side,
): string | undefined {
  const names = identityOf(shape.name);
  if (names.length === 0) return undefined;
  return names
    .map((name) => {
      const field = shape.named(name);
      const rows = field && idFieldsOf(shape.name, field.number);
      if (field === undefined || rows === undefined) return valueAt(shape, message, name.split('.'), text);
      const occurrences = occurrencesIn(message);
      const numbers = numbersIn(message.bytes, occurrences.get(field.number) ?? []);
      const kind = kindOf(rows, message.bytes, occurrences, numbers);
      if (kind === undefined || kind === 'any') return numbers.join(' ');
      return numbers.map((id) => ids.nameOf(kind, side, id)).join(' ');
    })
    .join(', ');
}

/** A message as text on one line. Throws WireFault. */
export function messageText(shape: MessageShape, { bytes, start, end }: MessageAt, text: ValueText): string {
  return text.message(shape, bytes, start, end);
}

function valueAt(
  shape: MessageShape,
  message: MessageAt,
  [name, ...inner]: readonly string[],
  text: ValueText,
): string {
  const field = shape.named(name ?? '') as FieldShape;
  const last = occurrencesIn(message).get(field.number)?.at(-1);
  if (last === undefined) return 'none';
  if (inner.length === 0) return text.field(field, message.bytes, last.start, last.end, false).replace(/^"|"$/g, '');
  return valueAt(field.message, payload(message.bytes, last), inner, text);
}

class Comparison {
  /** How many differences were told or, being ids of the same, passed over: their bytes need not be equal. */
  private told = 0;

  constructor(
    private readonly changes: FieldChange[],
    private readonly text: ValueText,
    private readonly ids: IdPairs | undefined,
  ) {}

  messages(shape: MessageShape, before: MessageAt, after: MessageAt, path: string, hex: boolean): void {
    if (isSameByBytes(shape, this.ids) && sameBytes(before, after)) return;
    const [old, fresh] = [occurrencesIn(before), occurrencesIn(after)];
    const touched = new Set<number>();
    const compare = (number: number, work: () => void) => {
      const { told } = this;
      work();
      if (this.told > told) touched.add(number);
    };
    const below = (name: string) => (path === '' ? name : `${path}.${name}`);
    for (const field of shape.fields) {
      const [a, b] = [old.get(field.number) ?? [], fresh.get(field.number) ?? []];
      if (a.length === 0 && b.length === 0) continue;
      const rows = this.ids && idFieldsOf(shape.name, field.number);
      compare(field.number, () => {
        if (rows === undefined) this.field(field, before, a, after, b, below(field.name), hex);
        else
          this.idField(field, rows, { message: before, all: old }, { message: after, all: fresh }, below(field.name));
      });
    }
    const unknown = [...new Set([...old.keys(), ...fresh.keys()])].filter((number) => !shape.numbered(number));
    for (const number of unknown.sort((a, b) => a - b)) {
      const [a, b] = [this.unknown(before, old.get(number)), this.unknown(after, fresh.get(number))];
      compare(number, () => this.leaf(below(`#${number}`), a, b));
    }
    if (!untouched(before, touched).equals(untouched(after, touched))) this.encoding(before, after, path);
  }

  private field(
    field: FieldShape,
    before: MessageAt,
    a: readonly Range[],
    after: MessageAt,
    b: readonly Range[],
    path: string,
    outerHex: boolean,
  ): void {
    const hex = outerHex || field.display.hex === true;
    if (field.type === 'message' && field.label === 'repeated') this.row(field, before, a, after, b, path, hex);
    else if (field.type === 'message' && a.length === 1 && b.length === 1 && !this.isHidden(field)) {
      const [x, y] = [payload(before.bytes, a[0] as Range), payload(after.bytes, b[0] as Range)];
      this.messages(field.message, x, y, path, hex);
    } else this.leaf(path, shown(field, before, a, outerHex, this.text), shown(field, after, b, outerHex, this.text));
  }

  /** Ids, by what they stand for. */
  private idField(field: FieldShape, rows: readonly IdField[], before: Fields, after: Fields, path: string): void {
    const ids = this.ids as IdPairs;
    const [a, b] = [idsIn(field, rows, before), idsIn(field, rows, after)];
    if (a.kind === 'any' && a.occurrences.length > 0 && b.occurrences.length > 0) {
      this.told += 1;
      return;
    }
    if (a.kind === undefined || a.kind === 'any' || a.kind !== b.kind) {
      this.field(field, before.message, a.occurrences, after.message, b.occurrences, path, false);
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
    const shownAs = (side: Side, { numbers }: IdsInField) => {
      const all = numbers.map((id) => ids.show(kind, side, id)).join(', ');
      return field.label === 'repeated' ? `[${all}]` : numbers.length === 0 ? undefined : all;
    };
    this.tell({ path, before: shownAs('before', a), after: shownAs('after', b) });
  }

  private tell(change: FieldChange): void {
    this.told += 1;
    this.changes.push(change);
  }

  private isHidden({ display }: FieldShape): boolean {
    return display.secret === true && !this.text.showsBytes;
  }

  /** Messages of a list, paired by what they are, or by their place. */
  private row(
    field: FieldShape,
    before: MessageAt,
    a: readonly Range[],
    after: MessageAt,
    b: readonly Range[],
    path: string,
    hex: boolean,
  ): void {
    const old = this.named('before', field.message, before.bytes, a);
    const fresh = this.named('after', field.message, after.bytes, b);
    for (const [key, { name, message }] of old) {
      const other = fresh.get(key);
      if (other === undefined) this.leaf(`${path}[${name}]`, messageText(field.message, message, this.text), undefined);
      else this.messages(field.message, message, other.message, `${path}[${name}]`, hex);
    }
    for (const [key, { name, message }] of fresh) {
      if (!old.has(key)) this.leaf(`${path}[${name}]`, undefined, messageText(field.message, message, this.text));
    }
  }

  /** Messages of a list by what pairs them, with their names. */
  private named(side: Side, shape: MessageShape, bytes: Uint8Array, occurrences: readonly Range[]) {
    const messages = new Map<string, { readonly name: string; readonly message: MessageAt }>();
    const times = new Map<string, number>();
    occurrences.forEach((range, i) => {
      const message = payload(bytes, range);
      const name = nameOf(shape, message, this.text) ?? `${i}`;
      const key = this.ids === undefined ? name : (pairingNameOf(shape, message, this.text, this.ids, side) ?? name);
      const time = (times.get(key) ?? 0) + 1;
      times.set(key, time);
      const repeat = time === 1 ? '' : ` (${time})`;
      messages.set(`${key}${repeat}`, { name: `${name}${repeat}`, message });
    });
    return messages;
  }

  /** Fields that no schema knows, as they stand. */
  private unknown({ bytes }: MessageAt, occurrences: readonly Range[] | undefined): string | undefined {
    return occurrences?.map(({ start, end }) => this.text.unknown(bytes, start, end)).join(' ');
  }

  private leaf(path: string, before: string | undefined, after: string | undefined): void {
    if (before !== after) this.tell({ path, before, after });
  }

  /** Bytes differ that are those of no value that does: numbers that are longer than need be, another order of fields or of messages. */
  private encoding(before: MessageAt, after: MessageAt, path: string): void {
    const shownAs = (message: MessageAt) => `${message.end - message.start} bytes, encoded otherwise`;
    this.tell({
      path: path === '' ? '(encoding)' : `${path}.(encoding)`,
      before: shownAs(before),
      after: shownAs(after),
    });
  }
}

/** The fields of a message, by number. */
interface Fields {
  readonly message: MessageAt;
  readonly all: ReadonlyMap<number, readonly Range[]>;
}

interface IdsInField {
  readonly occurrences: readonly Range[];
  readonly numbers: readonly number[];
  readonly kind: IdField['kind'] | undefined;
}

function idsIn(field: FieldShape, rows: readonly IdField[], { message, all }: Fields): IdsInField {
  const occurrences = all.get(field.number) ?? [];
  const numbers = field.type === 'string' ? [] : numbersIn(message.bytes, occurrences);
  return { occurrences, numbers, kind: kindOf(rows, message.bytes, all, numbers) };
}

/** What kind of ids a field holds, where another field may say it. */
function kindOf(
  rows: readonly IdField[],
  bytes: Uint8Array,
  fields: ReadonlyMap<number, readonly Range[]>,
  numbers: readonly number[],
): IdField['kind'] | undefined {
  return rows.find(({ when }) => {
    if (when === undefined) return true;
    const value = numbersIn(bytes, fields.get(when.field) ?? []).at(-1);
    return numbers.every((id) => when.holds(value, id));
  })?.kind;
}

/** The numbers of a field, packed or not. */
function numbersIn(bytes: Uint8Array, occurrences: readonly Range[]): number[] {
  const numbers: number[] = [];
  for (const { start, end } of occurrences) {
    const cursor = new FieldCursor().over(bytes, start, end);
    cursor.next();
    if (cursor.wireType !== WIRE_TYPE.BYTES) {
      numbers.push(cursor.uint64AsNumber());
      continue;
    }
    const packed = new FieldCursor().over(bytes, cursor.valueStart, cursor.end);
    while (packed.nextPacked(WIRE_TYPE.VARINT)) numbers.push(packed.uint64AsNumber());
  }
  return numbers;
}

function shown(
  field: FieldShape,
  { bytes }: MessageAt,
  occurrences: readonly Range[],
  hex: boolean,
  text: ValueText,
): string | undefined {
  const last = occurrences.at(-1);
  if (last === undefined) return undefined;
  if (field.label === 'repeated') return text.row(field, bytes, occurrences, hex);
  if (field.type !== 'message' || occurrences.length === 1) return text.field(field, bytes, last.start, last.end, hex);
  const joined = Buffer.concat(occurrences.map((range) => bytesOf(payload(bytes, range))));
  return text.message(field.message, joined, 0, joined.length);
}

/** What of a message is not part of the fields that were told to differ. */
function untouched({ bytes, start, end }: MessageAt, touched: ReadonlySet<number>): Buffer {
  const pieces: Uint8Array[] = [];
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) if (!touched.has(cursor.number)) pieces.push(bytes.subarray(cursor.start, cursor.end));
  return Buffer.concat(pieces);
}

function occurrencesIn({ bytes, start, end }: MessageAt): Map<number, Range[]> {
  const found = new Map<number, Range[]>();
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) {
    const range = { start: cursor.start, end: cursor.end };
    const ranges = found.get(cursor.number);
    if (ranges === undefined) found.set(cursor.number, [range]);
    else ranges.push(range);
  }
  return found;
}

function payload(bytes: Uint8Array, { start, end }: Range): MessageAt {
  const cursor = new FieldCursor().over(bytes, start, end);
  cursor.next();
  cursor.payload();
  return { bytes, start: cursor.valueStart, end: cursor.end };
}

function bytesOf({ bytes, start, end }: MessageAt): Uint8Array {
  return bytes.subarray(start, end);
}
