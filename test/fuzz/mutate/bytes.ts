import type { Random } from '../../support/random-messages';
import { EDGES, type Mutator, oneOf, splice } from './mutate';

function place(bytes: Buffer, random: Random): { start: number; end: number } {
  const start = random.below(bytes.length + 1);
  const most = random.chance(80) ? 8 : bytes.length;
  return { start, end: Math.min(bytes.length, start + 1 + random.below(most + 1)) };
}

const flip: Mutator = (bytes, random) => {
  if (bytes.length === 0) return bytes;
  const result = Buffer.from(bytes);
  const at = random.below(bytes.length);
  result[at] = (result[at] as number) ^ (1 << random.below(8));
  return result;
};

const set: Mutator = (bytes, random) => {
  if (bytes.length === 0) return bytes;
  const result = Buffer.from(bytes);
  result[random.below(bytes.length)] = oneOf([0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x2f, random.below(256)], random);
  return result;
};

/** A number of four or eight bytes, at any place. */
const setNumber: Mutator = (bytes, random) => {
  const number = Buffer.alloc(8);
  number.writeBigUInt64LE(oneOf(EDGES, random));
  const width = random.chance(70) ? 4 : 8;
  if (bytes.length < width) return bytes;
  const at = random.below(bytes.length - width + 1);
  return splice(bytes, at, at + width, number.subarray(0, width));
};

const insert: Mutator = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  return splice(bytes, at, at, random.bytes(1 + random.below(6)));
};

const remove: Mutator = (bytes, random) => {
  const { start, end } = place(bytes, random);
  return splice(bytes, start, end, Buffer.alloc(0));
};

const duplicate: Mutator = (bytes, random) => {
  const { start, end } = place(bytes, random);
  const times = random.chance(95) ? 1 : 1 + random.below(200);
  const chunk = bytes.subarray(start, end);
  return splice(bytes, end, end, Buffer.concat(Array.from({ length: times }, () => chunk)));
};

const cross: Mutator = (bytes, random, other) => {
  const from = other();
  const { start, end } = place(bytes, random);
  const chunk = place(from, random);
  return splice(bytes, start, random.chance(50) ? start : end, from.subarray(chunk.start, chunk.end));
};

const cut: Mutator = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));

/** Changes that know nothing of what the bytes are. */
export const BYTE_MUTATORS: readonly Mutator[] = [flip, set, setNumber, insert, remove, duplicate, cross, cut];
