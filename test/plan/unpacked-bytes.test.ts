import test from 'ava';
import { unpackedBytes } from '../../src/plan/unpacked-bytes';

/**
 * What protobuf-c takes for a record, as test/plan/limits.test.ts finds it in the executor: 32 bytes before each block, 96
 * for a message and 256 for the record itself, a byte behind a string, 8 for a pointer, 64 for the note of a repeated value.
 */
const NEEDS: [what: string, record: object, bytes: number][] = [
  ['no field', {}, 32 + 256],
  ['numbers and absent fields', { a: 1, b: 2n, c: true, d: undefined, e: null }, 32 + 256],
  ['a string, in bytes of UTF-8', { a: 'aé' }, 288 + 32 + 3 + 1],
  ['an empty string', { a: '' }, 288 + 32 + 1],
  ['bytes', { a: Buffer.alloc(5) }, 288 + 32 + 5],
  ['a message', { a: { b: 1, c: 'x' } }, 288 + 32 + 96 + 32 + 2],
  ['no numbers', { a: [] }, 288 + 32],
  ['numbers', { a: [1, 2, 3] }, 288 + 32 + 3 * (64 + 4)],
  ['strings', { a: ['x', ''] }, 288 + 32 + 2 * (64 + 8) + (32 + 2) + (32 + 1)],
  ['messages', { a: [{}, { b: 'x' }] }, 288 + 32 + 2 * (64 + 8 + 32 + 96) + (32 + 2)],
  ['values that are made when they are asked for', { a: new Set([1, 2]) }, 288 + 32 + 2 * (64 + 4)],
];
for (const [what, record, bytes] of NEEDS) {
  test(`a record with ${what} needs ${bytes} bytes in the executor`, (t) => {
    t.is(unpackedBytes(record), bytes);
  });
}
