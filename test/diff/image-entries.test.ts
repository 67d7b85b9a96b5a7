import test from 'ava';
import fc from 'fast-check';
import { diffImages, type ToldDifference } from '../../src';
import { CheckpointIds } from '../../src/diff/ids/checkpoint-ids';
import { areEqualButForIds } from '../../src/diff/ids/equal-but-for-ids';
import { pairIds } from '../../src/diff/ids/pair-ids';
import { shapeOf } from '../../src/schema/shape';
import { messageType } from '../support/images';
import { holds } from '../support/properties';

const IMG_COMMON = 0x54564319;

/** Images whose entries can be of any length, and a field of each that is one byte long for each byte of its value. */
const KINDS = {
  FILES: { magic: 0x56303138, message: 'file_entry', make: entryOfFiles },
  REG_FILES: { magic: 0x50363636, message: 'reg_file_entry', make: regular },
  EVENTPOLL_FILE: { magic: 0x45023858, message: 'eventpoll_file_entry', make: watches },
} as const;

const NO_OWNER = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

function regular(id: number, name: Buffer, size: number) {
  // Text of one byte a character, which protobufjs writes as it is.
  return { id, flags: 0, pos: 0, fown: NO_OWNER, name: name.toString('latin1'), size };
}

function entryOfFiles(id: number, name: Buffer, size: number) {
  return { type: 1, id, reg: regular(id, name, size) };
}

function watches(id: number, name: Buffer, size: number) {
  const tfd = [...name].map((byte, i) => ({ id, tfd: i, events: byte, data: 0 }));
  return { id, flags: 0, fown: NO_OWNER, tfd: [...tfd, { id, tfd: name.length, events: size, data: 0 }] };
}

type Kind = (typeof KINDS)[keyof typeof KINDS];

function imageOf({ magic, message }: Kind, records: readonly object[]): Buffer {
  const type = messageType(message);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(IMG_COMMON, 0);
  head.writeUInt32LE(magic, 4);
  const framed = records.flatMap((record) => {
    const bytes = type.encode(type.fromObject(record)).finish();
    const size = Buffer.alloc(4);
    size.writeUInt32LE(bytes.length);
    return [size, bytes];
  });
  return Buffer.concat([head, ...framed]);
}

const name = (length: number, changed?: number) => {
  const bytes = Buffer.alloc(length, 'a');
  if (changed !== undefined) bytes[changed] = 'b'.charCodeAt(0);
  return bytes;
};

function readerOf(bytes: Buffer) {
  let at = 0;
  return {
    read: async (into: Uint8Array, start: number, length: number) => {
      const got = bytes.copy(into, start, at, at + length);
      at += got;
      return got;
    },
  };
}

async function differences(before: Buffer, after: Buffer, ignoreIds: boolean): Promise<ToldDifference[]> {
  const lone = (bytes: Buffer) => ({ reader: readerOf(bytes), name: 'image.img' });
  const result = await diffImages(lone(before), lone(after), { ignoreIds });
  const all: ToldDifference[] = [];
  for await (const difference of result.differences()) all.push(difference);
  result.close();
  return all;
}

/** Lengths of the changeable part: any that a path has, around the powers of two, and more than a chunk that is read. */
const lengths = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 4096 }) },
  { weight: 2, arbitrary: fc.tuple(fc.integer({ min: 0, max: 16 }), fc.integer({ min: -9, max: 9 })).map(near) },
  { weight: 1, arbitrary: fc.integer({ min: 100_000, max: 300_000 }) },
);
function near([power, more]: [number, number]): number {
  return Math.max(1, 2 ** power + more);
}

const pairs = fc
  .record({
    kind: fc.constantFrom(...(Object.keys(KINDS) as (keyof typeof KINDS)[])),
    // Without ids, entries of one path could be taken for each other.
    lengths: fc.uniqueArray(lengths, { minLength: 1, maxLength: 6 }),
    ignoreIds: fc.boolean(),
  })
  .chain(({ kind, ...others }) => {
    // An epoll's watches are 10 bytes each, and compared by name.
    const shorter =
      kind === 'EVENTPOLL_FILE' ? [...new Set(others.lengths.map((length) => 1 + (length % 700)))] : others.lengths;
    return fc.nat(shorter.length - 1).chain((entry) =>
      fc.record({
        kind: fc.constant(kind),
        lengths: fc.constant(shorter),
        ignoreIds: fc.constant(others.ignoreIds),
        entry: fc.constant(entry),
        // The last place is that of another field, behind all bytes of the first one.
        place: fc.nat(shorter[entry] as number),
      }),
    );
  });

test('entries of any length that differ in one byte, at any place of any of them, have one difference', async (t) => {
  await holds(
    t,
    fc.asyncProperty(pairs, async ({ kind, lengths: all, entry, place, ignoreIds }) => {
      const { make } = KINDS[kind];
      const plain = all.map((length, i) => make(i + 1, name(length), 10));
      const isLast = place === all[entry];
      const changed = plain.map((record, i) => {
        if (i !== entry) return record;
        const length = all[i] as number;
        return isLast ? make(i + 1, name(length), 11) : make(i + 1, name(length, place), 10);
      });
      const found = await differences(imageOf(KINDS[kind], plain), imageOf(KINDS[kind], changed), ignoreIds);
      // Without ids, the path is what names an entry of files.img: another one is another entry.
      if (kind === 'FILES' && ignoreIds && !isLast) {
        const changes = found.map((one) => one.what === 'entry' && one.change).sort();
        return changes.join() === 'added,removed';
      }
      const [only] = found;
      if (found.length !== 1 || only?.what !== 'entry' || only.change !== 'changed') return false;
      return only.fields.length === 1;
    }),
    400,
  );
});

test('long entries are equal but for their ids, or are not, wherever they differ', async (t) => {
  const type = messageType('file_entry');
  const shape = shapeOf('file_entry');
  const nothing = await pairIds(new CheckpointIds(), new CheckpointIds());
  await holds(
    t,
    fc.asyncProperty(
      lengths.chain((length) => fc.record({ length: fc.constant(length), place: fc.nat(length) })),
      async ({ length, place }) => {
        const make = (bytes: Buffer, size: number) => {
          const all = type.encode(type.fromObject(entryOfFiles(1, bytes, size))).finish();
          return { bytes: all, start: 0, end: all.length };
        };
        const before = make(name(length), 10);
        const after = place === length ? make(name(length), 11) : make(name(length, place), 10);
        return !areEqualButForIds(shape, before, after, nothing);
      },
    ),
    100,
  );
});

test('an abort is heard between two entries, however few bytes they have', async (t) => {
  const records = Array.from({ length: 20_000 }, (_, i) => regular(i + 1, name(5), 10));
  const changed = records.map((record) => ({ ...record, size: 11 }));
  const [before, after] = [imageOf(KINDS.REG_FILES, records), imageOf(KINDS.REG_FILES, changed)];
  const controller = new AbortController();
  let turns = 0;
  // Only the event loop's own turns bring a signal in.
  const timer = setInterval(() => {
    turns += 1;
    if (turns === 2) controller.abort(new Error('stopped'));
  }, 1);
  const lone = (bytes: Buffer) => ({ reader: readerOf(bytes), name: 'image.img' });
  await t.throwsAsync(diffImages(lone(before), lone(after), { signal: controller.signal }), { message: 'stopped' });
  clearInterval(timer);
});
