import type { Random } from '../../support/random-messages';

/** Changes bytes somehow. `other`: bytes of the same kind, to take something from. Gives a new buffer. */
export type Mutator = (bytes: Buffer, random: Random, other: () => Buffer) => Buffer;

/** Nothing grows past this: most inputs are to be cheap. */
export const MOST_BYTES = 12_000;

export function oneOf<T>(values: readonly T[], random: Random): T {
  return values[random.below(values.length)] as T;
}

/** Applies one to several of the mutators, mostly few. */
export function mutated(bytes: Buffer, mutators: readonly Mutator[], random: Random, other: () => Buffer): Buffer {
  let result = bytes;
  do result = oneOf(mutators, random)(result, random, other);
  while (random.chance(45));
  return result.length > MOST_BYTES && result.length > bytes.length ? bytes : result;
}

/** The bytes with `[start, end)` exchanged. */
export function splice(bytes: Buffer, start: number, end: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, start), by, bytes.subarray(end)]);
}

/** Numbers at which something changes, mostly for lengths and ids. */
export const EDGES = [
  ...[0n, 1n, 2n, 3n, 4n, 7n, 127n, 128n, 255n, 256n, 16383n, 16384n, 65535n, 65536n, 2n ** 24n],
  ...[2n ** 26n, 2n ** 26n + 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 32n + 1n, 2n ** 53n],
  ...[2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n],
];
