import descriptor from '../schema/generated/plan.json';
import { WIRE_TYPE } from '../wire/field-cursor';
import type { WireBuffer } from '../wire/wire-buffer';

/** A message or enum of plan.json. */
interface Schema {
  readonly fields?: { readonly [name: string]: FieldSchema };
  readonly values?: { readonly [name: string]: number };
}

interface FieldSchema {
  readonly id: number;
  readonly type: string;
  readonly rule?: string;
  readonly options?: { readonly packed?: boolean };
}

/** A field of a message of the plan. */
export interface PlanField {
  readonly name: string;
  /** Writes the field with its tag, a repeated one with all its values. */
  readonly write: Write;
}

type Write = (buffer: WireBuffer, value: unknown) => void;

/** Writes a value without its tag. */
interface ValueRow {
  readonly wireType: number;
  readonly write: Write;
}

const SCHEMAS = descriptor.nested.fdgraft.nested as { readonly [name: string]: Schema };
const NAME_PREFIX = 'plan_';

const VALUES: { readonly [type: string]: ValueRow } = {
  uint32: { wireType: WIRE_TYPE.VARINT, write: (buffer, value) => buffer.varint((value as number) >>> 0, 0) },
  uint64: { wireType: WIRE_TYPE.VARINT, write: (buffer, value) => writeLong(buffer, BigInt(value as number | bigint)) },
  bool: { wireType: WIRE_TYPE.VARINT, write: (buffer, value) => buffer.varint(value ? 1 : 0, 0) },
  string: { wireType: WIRE_TYPE.BYTES, write: (buffer, value) => writeBytes(buffer, Buffer.from(value as string)) },
  bytes: { wireType: WIRE_TYPE.BYTES, write: (buffer, value) => writeBytes(buffer, value as Uint8Array) },
};

function writeLong(buffer: WireBuffer, value: bigint): void {
  buffer.varint(Number(value & 0xffffffffn), Number(value >> 32n));
}

function writeBytes(buffer: WireBuffer, bytes: Uint8Array): void {
  buffer.varint(bytes.length, 0);
  buffer.copy(bytes);
}

const known = new Map<string, readonly PlanField[]>();

/** The fields of a message of the plan in the order in which they are written, that of the schema and of their numbers. */
export function fieldsOf(message: string): readonly PlanField[] {
  let fields = known.get(message);
  if (fields === undefined) {
    const { fields: described = {} } = SCHEMAS[message] as Schema;
    fields = Object.entries(described).map(([name, field]) => describeField(name, field));
    known.set(message, fields);
  }
  return fields;
}

/** Writes those of the fields that a message has, by their names in the schema. */
export function writeFields(buffer: WireBuffer, fields: readonly PlanField[], message: object): void {
  const values = message as { readonly [name: string]: unknown };
  for (const { name, write } of fields) {
    const value = values[name];
    if (value !== undefined) write(buffer, value);
  }
}

function describeField(name: string, { id: number, type, rule, options }: FieldSchema): PlanField {
  const { wireType, write } = VALUES[type] ?? rowOf(type);
  const writeOne: Write = (buffer, value) => {
    buffer.varint(((number << 3) | wireType) >>> 0, 0);
    write(buffer, value);
  };
  if (rule !== 'repeated') return { name, write: writeOne };
  const writeEach: Write = (buffer, list) => {
    for (const value of list as Iterable<unknown>) writeOne(buffer, value);
  };
  const writePacked: Write = (buffer, list) => {
    if ((list as readonly unknown[]).length === 0) return;
    buffer.varint(((number << 3) | WIRE_TYPE.BYTES) >>> 0, 0);
    const start = buffer.beginLength();
    for (const value of list as Iterable<unknown>) write(buffer, value);
    buffer.endLength(start);
  };
  return { name, write: options?.packed === true ? writePacked : writeEach };
}

/** Of an enum, which the plan names without the prefix of its values, or of a message. */
function rowOf(type: string): ValueRow {
  const { values } = SCHEMAS[type] as Schema;
  if (values !== undefined) {
    const prefix = `${type.slice(NAME_PREFIX.length).toUpperCase()}_`;
    return {
      wireType: WIRE_TYPE.VARINT,
      write: (buffer, value) => buffer.varint(values[`${prefix}${value as string}`] as number, 0),
    };
  }
  return {
    wireType: WIRE_TYPE.BYTES,
    write: (buffer, value) => {
      const start = buffer.beginLength();
      writeFields(buffer, fieldsOf(type), value as object);
      buffer.endLength(start);
    },
  };
}
