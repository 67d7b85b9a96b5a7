import { pushTo } from '../bytes/groups';
import { WireFault } from '../errors/wire-fault';
import { MAX_DEPTH } from '../schema/message';
import type { FieldShape, MessageShape } from '../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { showWords } from './display';
import { WIRE_KEY } from './keys';
import { ValueWriter } from './write-value';

/** A field on the wire, tag included, as positions in a buffer. */
interface Occurrence {
  readonly start: number;
  readonly end: number;
}

/**
 * Writes records as JSON objects. Where the JSON of a message does not say its bytes – fields that no schema knows,
 * fields out of order, numbers longer than need be, strings that are not UTF-8 – the bytes are added as `_wire`.
 */
export class MessageWriter extends ValueWriter {
  private readonly cursors = Array.from({ length: MAX_DEPTH + 2 }, () => new FieldCursor());
  private readonly keys = new Map<string, Uint8Array>();

  /** Writes a record as an object. Throws WireFault. */
  write(shape: MessageShape, bytes: Uint8Array, start: number, end: number): void {
    this.open(shape, bytes, start, end);
    this.text.end('}');
  }

  /** Writes a record as an object that is left open, for more keys. Throws WireFault. */
  open(shape: MessageShape, bytes: Uint8Array, start: number, end: number): void {
    this.message(shape, bytes, start, end, false, 0);
  }

  /** Writes a record as an object without a `_wire` of its own; messages inside it have theirs. Throws WireFault. */
  writeFields(shape: MessageShape, bytes: Uint8Array, start: number, end: number): void {
    this.members(shape, bytes, start, end, false, 0);
    this.text.end('}');
  }

  /** Writes the value of one occurrence of a field, tag included. Throws WireFault. */
  writeField(field: FieldShape, bytes: Uint8Array, start: number, end: number, hex: boolean): void {
    this.occurrence(field, bytes, { start, end }, hex, 0);
  }

  /** Writes all values of a repeated field, given by their occurrences, as a list. Throws WireFault. */
  writeRow(field: FieldShape, bytes: Uint8Array, occurrences: readonly Occurrence[], hex: boolean): void {
    this.row(field, bytes, occurrences, hex, 0);
  }

  /** A key of the object that is open. */
  key(name: string): void {
    let quoted = this.keys.get(name);
    if (quoted === undefined) {
      quoted = Buffer.from(`"${name}": `);
      this.keys.set(name, quoted);
    }
    this.text.key(quoted);
  }

  protected message(
    shape: MessageShape,
    bytes: Uint8Array,
    start: number,
    end: number,
    hex: boolean,
    depth: number,
  ): void {
    if (depth > MAX_DEPTH) throw new WireFault(`messages are nested deeper than ${MAX_DEPTH}`, start);
    const isOuterOdd = this.isOdd;
    this.members(shape, bytes, start, end, hex, depth);
    if (this.isOdd && this.showsBytes) {
      this.key(WIRE_KEY);
      this.base64(bytes.subarray(start, end));
    }
    this.isOdd = isOuterOdd;
  }

  private members(
    shape: MessageShape,
    bytes: Uint8Array,
    start: number,
    end: number,
    hex: boolean,
    depth: number,
  ): void {
    const { text } = this;
    const mark = text.mark();
    this.isOdd = false;
    text.begin('{');
    if (this.inOrder(shape, bytes, start, end, hex, depth)) return;
    text.backTo(mark);
    text.begin('{');
    this.isOdd = false;
    this.byNumber(shape, bytes, start, end, hex, depth);
  }

  /** Writes the fields as they come. False, and to be taken back, where that is not the order of an encoder. */
  private inOrder(
    shape: MessageShape,
    bytes: Uint8Array,
    start: number,
    end: number,
    hex: boolean,
    depth: number,
  ): boolean {
    const cursor = (this.cursors[depth] as FieldCursor).over(bytes, start, end);
    const renamed = renamedIn(shape, bytes, start, end);
    let field: FieldShape | undefined;
    let last = 0;
    let required = 0;
    try {
      for (let more = cursor.next(); more; ) {
        field = shape.numbered(cursor.number);
        if (field === undefined) {
          this.isOdd = true;
          more = cursor.next();
          continue;
        }
        if (field.number <= last) return false;
        last = field.number;
        if (field.label === 'repeated') {
          if (!isRowOfItems(field) || cursor.wireType !== field.wireType) return false;
          more = this.rowOfItems(field, cursor, hex, depth);
          continue;
        }
        if (field.label === 'required') required += 1;
        this.text.key(field === renamed?.field ? renamed.now.key : field.key);
        this.field(field, cursor, hex, depth);
        more = cursor.next();
      }
    } catch (error) {
      // A part of a message may lack what another part of it has.
      if (error instanceof WireFault && field?.type === 'message' && occursAgain(field, cursor)) return false;
      throw inField(error, shape, field);
    }
    if (required < shape.requiredCount) throw missing(shape, bytes, start, end);
    return true;
  }

  /** Writes values of a repeated field as long as they follow one another. False at the end of the message. */
  private rowOfItems(field: FieldShape, cursor: FieldCursor, hex: boolean, depth: number): boolean {
    const { text } = this;
    let more = true;
    text.key(field.key);
    text.begin('[');
    while (more && cursor.number === field.number && cursor.wireType === field.wireType) {
      text.item();
      this.field(field, cursor, hex, depth);
      more = cursor.next();
    }
    text.end(']');
    return more;
  }

  /** Writes the fields by their numbers, wherever they stand. */
  private byNumber(
    shape: MessageShape,
    bytes: Uint8Array,
    start: number,
    end: number,
    hex: boolean,
    depth: number,
  ): void {
    const renamed = renamedIn(shape, bytes, start, end);
    const found = this.gather(shape, bytes, start, end);
    for (const field of shape.fields) {
      const occurrences = found.get(field);
      if (occurrences === undefined) {
        if (field.label === 'required') throw missing(shape, bytes, start, end);
        continue;
      }
      this.text.key(field === renamed?.field ? renamed.now.key : field.key);
      try {
        if (field.label === 'repeated') this.row(field, bytes, occurrences, hex, depth);
        else if (occurrences.length === 1 || field.type !== 'message') {
          this.occurrence(field, bytes, occurrences.at(-1) as Occurrence, hex, depth);
        } else this.joined(field, bytes, occurrences, hex, depth);
      } catch (error) {
        throw inField(error, shape, field);
      }
      if (field.label !== 'repeated' && occurrences.length > 1) this.isOdd = true;
    }
  }

  /** Where the fields of a message stand. */
  private gather(shape: MessageShape, bytes: Uint8Array, start: number, end: number): Map<FieldShape, Occurrence[]> {
    const found = new Map<FieldShape, Occurrence[]>();
    const cursor = new FieldCursor().over(bytes, start, end);
    let last = 0;
    while (cursor.next()) {
      const field = shape.numbered(cursor.number);
      if (field === undefined || field.number < last) this.isOdd = true;
      if (field === undefined) continue;
      last = field.number;
      pushTo(found, field, { start: cursor.start, end: cursor.end });
    }
    return found;
  }

  /** Writes a repeated field of any form: values with a tag each, or packed, or an address. */
  private row(
    field: FieldShape,
    bytes: Uint8Array,
    occurrences: readonly Occurrence[],
    hex: boolean,
    depth: number,
  ): void {
    const { text } = this;
    if (field.packed && occurrences.length > 1) this.isOdd = true;
    const words = text.pretty && field.display.ipadd ? this.words(field, bytes, occurrences) : undefined;
    const address = words && showWords(words);
    text.begin('[');
    if (address !== undefined) {
      text.item();
      text.quoted(address);
    } else {
      for (const occurrence of occurrences) this.items(field, bytes, occurrence, hex, depth);
    }
    text.end(']');
  }

  private items(field: FieldShape, bytes: Uint8Array, occurrence: Occurrence, hex: boolean, depth: number): void {
    const cursor = new FieldCursor().over(bytes, occurrence.start, occurrence.end);
    cursor.next();
    const isPacked = cursor.wireType === WIRE_TYPE.BYTES && field.wireType !== WIRE_TYPE.BYTES;
    if (isPacked !== field.packed) this.isOdd = true;
    if (!isPacked) {
      this.text.item();
      this.field(field, cursor, hex, depth);
      return;
    }
    this.tag(cursor);
    if (cursor.valueStart === cursor.end) this.isOdd = true;
    const row = new FieldCursor().over(bytes, cursor.valueStart, cursor.end);
    while (row.nextPacked(field.wireType)) {
      this.text.item();
      this.value(field, row, hex, depth);
    }
  }

  /** The words of an address; their own oddities are noticed here, since they are not written one by one. */
  private words(field: FieldShape, bytes: Uint8Array, occurrences: readonly Occurrence[]): number[] {
    const mark = this.text.mark();
    const words = occurrences.flatMap((occurrence) => {
      this.items(field, bytes, occurrence, false, 0);
      const cursor = new FieldCursor().over(bytes, occurrence.start, occurrence.end);
      cursor.next();
      if (cursor.wireType !== WIRE_TYPE.BYTES) return [cursor.uint32()];
      const row = new FieldCursor().over(bytes, cursor.valueStart, cursor.end);
      const packed: number[] = [];
      while (row.nextPacked(field.wireType)) packed.push(row.uint32());
      return packed;
    });
    this.text.backTo(mark);
    return words;
  }

  private occurrence(field: FieldShape, bytes: Uint8Array, at: Occurrence, hex: boolean, depth: number): void {
    const cursor = new FieldCursor().over(bytes, at.start, at.end);
    cursor.next();
    this.field(field, cursor, hex, depth);
  }

  /** Several occurrences of one embedded message mean what their bytes in a row mean. */
  private joined(
    field: FieldShape,
    bytes: Uint8Array,
    occurrences: readonly Occurrence[],
    hex: boolean,
    depth: number,
  ): void {
    const joined = joinPayloads(field, bytes, occurrences);
    try {
      this.message(field.message, joined, 0, joined.length, hex || field.display.hex === true, depth + 1);
    } catch (error) {
      if (!(error instanceof WireFault)) throw error;
      throw new WireFault(error.message, (occurrences[0] as Occurrence).start, error.needs, error.field);
    }
    this.text.end('}');
  }

  /** Writes the value of a field and notices where its encoding is not the shortest. */
  private field(field: FieldShape, cursor: FieldCursor, hex: boolean, depth: number): void {
    cursor.expect(field.wireType);
    this.tag(cursor);
    this.value(field, cursor, hex, depth);
  }
}

/** True for a repeated field whose values are written one by one as they come. */
function isRowOfItems(field: FieldShape): boolean {
  return !field.packed && field.display.ipadd !== true;
}

/** The field of a message that is to be written under its earlier name, and the one that has that name now. */
function renamedIn(shape: MessageShape, bytes: Uint8Array, start: number, end: number): MessageShape['renamed'] {
  const { renamed } = shape;
  if (renamed === undefined) return undefined;
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) if (cursor.number === renamed.now.number) return undefined;
  return renamed;
}

/** Whether one more occurrence of a field that is not repeated follows where the cursor stands. */
function occursAgain({ number, label }: FieldShape, cursor: FieldCursor): boolean {
  try {
    while (label !== 'repeated' && cursor.next()) if (cursor.number === number) return true;
  } catch (error) {
    if (!(error instanceof WireFault)) throw error;
  }
  return false;
}

/** The payloads of several occurrences of an embedded message, in a row. */
function joinPayloads(field: FieldShape, bytes: Uint8Array, occurrences: readonly Occurrence[]): Buffer {
  return Buffer.concat(
    occurrences.map(({ start, end }) => {
      const cursor = new FieldCursor().over(bytes, start, end);
      cursor.next();
      cursor.expect(field.wireType);
      return cursor.payload();
    }),
  );
}

function inField(error: unknown, shape: MessageShape, field: FieldShape | undefined): unknown {
  return error instanceof WireFault && field !== undefined ? error.inField(`${shape.name}.${field.name}`) : error;
}

function missing(shape: MessageShape, bytes: Uint8Array, start: number, end: number): WireFault {
  const there = new Set<number>();
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) there.add(cursor.number);
  const field = shape.fields.find(({ label, number }) => label === 'required' && !there.has(number));
  return new WireFault('the required field is missing', start, undefined, `${shape.name}.${field?.name}`);
}
