import { isUtf8 } from 'node:buffer';
import { unescapeText } from '../bytes/escape';
import type { FieldShape, MessageShape } from '../schema/shape';
import { encodeBytesField } from '../wire/encode';
import { FieldCursor } from '../wire/field-cursor';

/** The fields of a message as an encoder writes them, each with all its values, by number. */
export type EncodedFields = ReadonlyMap<number, Uint8Array>;

const NOTHING = new Uint8Array(0);

/**
 * The bytes of a message whose JSON was edited: `wire` as it was, but for the fields that are encoded otherwise `now`
 * than `before` the edit. These stand where they stood, new ones at the end. Throws EscapeFault.
 */
export function mergeIntoWire(shape: MessageShape, wire: Buffer, before: EncodedFields, now: EncodedFields): Buffer {
  const changed = shape.fields.filter(
    ({ number }) => Buffer.compare(before.get(number) ?? NOTHING, now.get(number) ?? NOTHING) !== 0,
  );
  if (changed.length === 0) return wire;
  const replaced = new Map(changed.map((field) => [field.number, new Replacement(field, wire, before, now)]));
  const chunks: Uint8Array[] = [];
  const cursor = new FieldCursor().over(wire, 0, wire.length);
  while (cursor.next()) {
    const replacement = replaced.get(cursor.number);
    if (replacement === undefined) chunks.push(wire.subarray(cursor.start, cursor.end));
    else for (const chunk of replacement.next()) chunks.push(chunk);
  }
  for (const { number } of changed) if (!before.has(number)) chunks.push(now.get(number) ?? NOTHING);
  return Buffer.concat(chunks);
}

/** What stands in place of the occurrences of one field, asked for one after the other. */
class Replacement {
  private readonly chunks: readonly (readonly Uint8Array[])[];
  private index = 0;

  constructor(field: FieldShape, wire: Buffer, before: EncodedFields, now: EncodedFields) {
    const old = occurrencesOf(wire, field.number);
    const values = splitValues(now.get(field.number) ?? NOTHING);
    const fresh = field.type === 'string' ? readEscapes(field, values, old) : values;
    const valuesBefore = splitValues(before.get(field.number) ?? NOTHING);
    const isOneToOne = field.label === 'repeated' && !field.packed && old.every((bytes) => isOneValue(field, bytes));
    this.chunks = isOneToOne ? keepEqual(old, valuesBefore, values, fresh) : atTheEnd(old.length, fresh);
  }

  next(): readonly Uint8Array[] {
    const chunks = this.chunks[this.index] ?? [];
    this.index += 1;
    return chunks;
  }
}

/** Values at the beginning and at the end that are what they were keep their bytes. */
function keepEqual(
  old: readonly Uint8Array[],
  before: readonly Uint8Array[],
  now: readonly Uint8Array[],
  fresh: readonly Uint8Array[],
): Uint8Array[][] {
  const isSame = (i: number, j: number) => Buffer.compare(before[i] as Uint8Array, now[j] as Uint8Array) === 0;
  const shorter = Math.min(before.length, now.length);
  let head = 0;
  while (head < shorter && isSame(head, head)) head += 1;
  let tail = 0;
  while (tail < shorter - head && isSame(before.length - 1 - tail, now.length - 1 - tail)) tail += 1;
  const middle = fresh.slice(head, now.length - tail);
  const chunks = old.map((bytes, i) => (i < head || i >= old.length - tail ? [bytes] : []));
  // A value in between takes the place of the one that stood there; what is more comes with the last of them.
  const places = Math.max(0, old.length - head - tail);
  middle.forEach((value, i) => {
    const at = places > 0 ? head + Math.min(i, places - 1) : Math.max(0, head - 1);
    const chunk = chunks[at] as Uint8Array[];
    if (places === 0 && head === 0) chunk.splice(i, 0, value);
    else chunk.push(value);
  });
  return chunks;
}

/** All values where the last occurrence stands: the one that counts to a decoder. */
function atTheEnd(occurrences: number, values: readonly Uint8Array[]): Uint8Array[][] {
  return Array.from({ length: occurrences }, (_chunk, i) => (i === occurrences - 1 ? [...values] : []));
}

function occurrencesOf(wire: Buffer, number: number): Buffer[] {
  const found: Buffer[] = [];
  const cursor = new FieldCursor().over(wire, 0, wire.length);
  while (cursor.next()) if (cursor.number === number) found.push(wire.subarray(cursor.start, cursor.end));
  return found;
}

/** The fields in a row of one number, one by one. */
function splitValues(encoded: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = [];
  const cursor = new FieldCursor().over(encoded, 0, encoded.length);
  while (cursor.next()) values.push(encoded.subarray(cursor.start, cursor.end));
  return values;
}

/**
 * In place of a string that was no text, which JSON has with \xHH, a new one is read the same way. In a list with such a
 * one, a string that stood there as text stays that.
 */
function readEscapes(field: FieldShape, values: readonly Uint8Array[], old: readonly Uint8Array[]): Uint8Array[] {
  const payloads = old.map(payloadOf);
  if (payloads.every((payload) => isUtf8(payload))) return [...values];
  const kept = new Set(payloads.map((payload) => Buffer.from(payload).toString('latin1')));
  return values.map((value) => {
    const text = Buffer.from(payloadOf(value));
    return kept.has(text.toString('latin1'))
      ? value
      : encodeBytesField(field.number, unescapeText(text.toString('utf8')));
  });
}

/** False for a row of values without tags, which may be of any length, one and none too. */
function isOneValue(field: FieldShape, encoded: Uint8Array): boolean {
  const cursor = new FieldCursor().over(encoded, 0, encoded.length);
  cursor.next();
  return cursor.wireType === field.wireType;
}

function payloadOf(encoded: Uint8Array): Uint8Array {
  const cursor = new FieldCursor().over(encoded, 0, encoded.length);
  cursor.next();
  return cursor.payload();
}
