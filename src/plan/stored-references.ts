import type { List } from '../bytes/mapped';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import type { PlanReference } from './plan';

/** The references of a placeholder, as bytes of its record: each is decoded when it is asked for. */
export class StoredReferences implements List<PlanReference> {
  /** `number`: their field. `decode` throws for what is no reference. */
  constructor(
    private readonly record: Uint8Array,
    private readonly number: number,
    readonly length: number,
    private readonly decode: (bytes: Uint8Array) => PlanReference,
  ) {}

  map<T>(change: (value: PlanReference) => T): T[] {
    return Array.from(this, change);
  }

  /** As an array, where all of it is wanted as JSON. */
  toJSON(): PlanReference[] {
    return [...this];
  }

  *[Symbol.iterator](): Generator<PlanReference, void, undefined> {
    const cursor = new FieldCursor().over(this.record, 0, this.record.length);
    while (cursor.next()) if (isReference(cursor, this.number)) yield this.decode(cursor.payload());
  }
}

/** A field of their number and another wire type is an unknown one, as protobufjs has it for smaller records. */
function isReference({ number, wireType }: FieldCursor, ofReferences: number): boolean {
  return number === ofReferences && wireType === WIRE_TYPE.BYTES;
}

/** Takes the references out of a record. Resolves to the other fields, and how many references there are. Throws WireFault. */
export function withoutReferences(record: Uint8Array, number: number): { others: Buffer; count: number } {
  const others: Uint8Array[] = [];
  let count = 0;
  const cursor = new FieldCursor().over(record, 0, record.length);
  while (cursor.next()) {
    if (isReference(cursor, number)) count += 1;
    else others.push(record.subarray(cursor.start, cursor.end));
  }
  return { others: Buffer.concat(others), count };
}
