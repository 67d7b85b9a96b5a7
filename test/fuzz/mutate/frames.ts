import { uint32 } from '../../support/images';
import type { Random } from '../../support/random-messages';
import { BYTE_MUTATORS } from './bytes';
import { EDGES, type Mutator, oneOf } from './mutate';
import { wireMutator } from './wire';

/** An image taken apart: its magics, records with their sizes, and what cannot be a record. */
interface Frames {
  readonly head: Buffer;
  readonly records: Buffer[];
  readonly rest: Buffer;
}

function framesOf(image: Buffer): Frames {
  const hasFirst = image.length >= 4 && [0x54564319, 0x55105940].includes(image.readUInt32LE(0));
  let at = Math.min(image.length, hasFirst ? 8 : 4);
  const head = image.subarray(0, at);
  const records: Buffer[] = [];
  while (at + 4 <= image.length) {
    const end = at + 4 + image.readUInt32LE(at);
    if (end > image.length) break;
    records.push(image.subarray(at + 4, end));
    at = end;
  }
  return { head, records, rest: image.subarray(at) };
}

function joined({ head, records, rest }: Frames): Buffer {
  return Buffer.concat([head, ...records.flatMap((record) => [uint32(record.length), record]), rest]);
}

const records =
  (edit: (all: Buffer[], random: Random, other: () => Buffer) => void): Mutator =>
  (image, random, other) => {
    const frames = framesOf(image);
    edit(frames.records, random, other);
    return joined(frames);
  };

const editRecord = records((all, random, other) => {
  if (all.length === 0) return;
  const at = random.below(all.length);
  const others = () => {
    const found = random.chance(60) ? all : framesOf(other()).records;
    return found.length === 0 ? Buffer.alloc(0) : oneOf(found, random);
  };
  all[at] = wireMutator(all[at] as Buffer, random, others);
});
const repeat = records((all, random) => {
  if (all.length === 0) return;
  const record = oneOf(all, random);
  const times = random.chance(90) ? 1 : random.below(100);
  all.splice(random.below(all.length + 1), 0, ...Array.from({ length: times }, () => record));
});
const remove = records((all, random) => {
  all.splice(random.below(all.length + 1), 1);
});
const swap = records((all, random) => {
  if (all.length < 2) return;
  const [a, b] = [random.below(all.length), random.below(all.length)];
  [all[a], all[b]] = [all[b] as Buffer, all[a] as Buffer];
});
const take = records((all, random, other) => {
  const others = framesOf(other()).records;
  if (others.length > 0) all.splice(random.below(all.length + 1), 0, oneOf(others, random));
});
const empty = records((all, random) => {
  all.splice(random.below(all.length + 1), 0, Buffer.alloc(0));
});

/** A size that is not that of the record. */
const resize: Mutator = (image, random) => {
  const { head, records: all, rest } = framesOf(image);
  if (all.length === 0) return image;
  const chosen = random.below(all.length);
  const chunks = all.flatMap((record, i) => {
    const size = Math.max(0, record.length + random.below(9) - 4);
    const other = random.chance(50) ? size : Number(BigInt.asUintN(32, oneOf(EDGES, random)));
    return [uint32(i === chosen ? other : record.length), record];
  });
  return Buffer.concat([head, ...chunks, rest]);
};

const otherMagic: Mutator = (image, random, other) => {
  const { head, ...rest } = framesOf(image);
  const magics = [framesOf(other()).head, head.subarray(4), Buffer.concat([head.subarray(0, 4), random.bytes(4)])];
  return joined({ head: oneOf(magics, random), ...rest });
};

const append: Mutator = (image, random) => {
  const tail = random.chance(50) ? Buffer.alloc(random.below(20)) : random.bytes(random.below(20));
  return Buffer.concat([image, tail]);
};

const raw: Mutator = (image, random, other) => oneOf(BYTE_MUTATORS, random)(image, random, other);

/** Changes of images: of records, their sizes and order, and of fields in them. */
export const IMAGE_MUTATORS: readonly Mutator[] = [
  ...[editRecord, editRecord, editRecord, editRecord, editRecord, editRecord],
  ...[repeat, remove, swap, take, empty, resize, otherMagic, append, raw],
];
