import { type BytesAt, sameBytes } from '../bytes/same-bytes';
import type { FieldShape, MessageShape } from '../schema/shape';
import { FieldCursor } from '../wire/field-cursor';
import { identityOf } from './identity';
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

/** What differs between two messages, field by field. Equal bytes give nothing. Throws WireFault. */
export function compareMessages(
  shape: MessageShape,
  before: MessageAt,
  after: MessageAt,
  text: ValueText,
): FieldChange[] {
  const changes: FieldChange[] = [];
  new Comparison(changes, text).messages(shape, before, after, '', false);
  return changes;
}

/** What names a message among others of its kind, such as `id 3`; undefined where only its place does. Throws WireFault. */
export function nameOf(shape: MessageShape, message: MessageAt, text: ValueText): string | undefined {
  const names = identityOf(shape.name);
  if (names.length === 0) return undefined;
  return names.map((name) => `${name.split('.').at(-1)} ${valueAt(shape, message, name.split('.'), text)}`).join(', ');
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
  constructor(
    private readonly changes: FieldChange[],
    private readonly text: ValueText,
  ) {}

  messages(shape: MessageShape, before: MessageAt, after: MessageAt, path: string, hex: boolean): void {
    if (sameBytes(before, after)) return;
    const [old, fresh] = [occurrencesIn(before), occurrencesIn(after)];
    const touched = new Set<number>();
    const compare = (number: number, work: () => void) => {
      const { length } = this.changes;
      work();
      if (this.changes.length > length) touched.add(number);
    };
    const below = (name: string) => (path === '' ? name : `${path}.${name}`);
    for (const field of shape.fields) {
      const [a, b] = [old.get(field.number) ?? [], fresh.get(field.number) ?? []];
      if (a.length === 0 && b.length === 0) continue;
      compare(field.number, () => this.field(field, before, a, after, b, below(field.name), hex));
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
    const [old, fresh] = [
      named(field.message, before.bytes, a, this.text),
      named(field.message, after.bytes, b, this.text),
    ];
    for (const [name, item] of old) {
      const other = fresh.get(name);
      if (other === undefined) this.leaf(`${path}[${name}]`, messageText(field.message, item, this.text), undefined);
      else this.messages(field.message, item, other, `${path}[${name}]`, hex);
    }
    for (const [name, item] of fresh) {
      if (!old.has(name)) this.leaf(`${path}[${name}]`, undefined, messageText(field.message, item, this.text));
    }
  }

  /** Fields that no schema knows, as they stand. */
  private unknown({ bytes }: MessageAt, occurrences: readonly Range[] | undefined): string | undefined {
    return occurrences?.map(({ start, end }) => this.text.unknown(bytes, start, end)).join(' ');
  }

  private leaf(path: string, before: string | undefined, after: string | undefined): void {
    if (before !== after) this.changes.push({ path, before, after });
  }

  /** Bytes differ that are those of no value that does: numbers that are longer than need be, another order of fields or of messages. */
  private encoding(before: MessageAt, after: MessageAt, path: string): void {
    const shownAs = (message: MessageAt) => `${message.end - message.start} bytes, encoded otherwise`;
    this.changes.push({
      path: path === '' ? '(encoding)' : `${path}.(encoding)`,
      before: shownAs(before),
      after: shownAs(after),
    });
  }
}

function named(
  shape: MessageShape,
  bytes: Uint8Array,
  occurrences: readonly Range[],
  text: ValueText,
): Map<string, MessageAt> {
  const messages = new Map<string, MessageAt>();
  const times = new Map<string, number>();
  occurrences.forEach((range, i) => {
    const message = payload(bytes, range);
    const name = nameOf(shape, message, text) ?? `${i}`;
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    messages.set(time === 1 ? name : `${name} (${time})`, message);
  });
  return messages;
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
