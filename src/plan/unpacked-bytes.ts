import { UNPACKED_RECORD_MAX } from '../schema/plan-limits';

/** What stands before each block that the executor takes (native/src/budget.c). */
const BLOCK = 32;
/** A message as protobuf-c has it in memory; the head and a placeholder are larger. */
const MESSAGE = 96;
const POINTER = 8;
/** What protobuf-c notes of a field while it reads a message; its tables are up to twice as large as what is in them. */
const NOTE = 64;

/** How many bytes the executor needs at most for a record of the plan, unpacked. `record`: its fields by name. */
export function unpackedBytes(record: object): number {
  return UNPACKED_RECORD_MAX - MESSAGE + bytesOf(record);
}

/** The notes of the few fields of a message lie on the stack, those of repeated fields do not. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return BLOCK + Buffer.byteLength(value) + 1;
  if (Buffer.isBuffer(value)) return BLOCK + value.length;
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = BLOCK;
  if (isList(value)) {
    for (const item of value) bytes += NOTE + (typeof item === 'number' ? 4 : POINTER + bytesOf(item));
    return bytes;
  }
  bytes += MESSAGE;
  for (const field of Object.values(value)) bytes += bytesOf(field);
  return bytes;
}

/** An array, or a list whose values are made when they are asked for. */
function isList(value: object): value is Iterable<unknown> {
  return Symbol.iterator in value;
}
