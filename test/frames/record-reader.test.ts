import test from 'ava';
import fc from 'fast-check';
import type { ByteReader } from '../../src/bytes/byte-stream';
import { FdgraftError } from '../../src/errors/fdgraft-error';
import { WireFault } from '../../src/errors/wire-fault';
import { IMG_COMMON, IMG_SERVICE, type ImageKind, identifyImage } from '../../src/frames/image-kinds';
import {
  type ExtraLength,
  MAX_RECORD_BYTES,
  RecordReader,
  type RecordRules,
  type TailRules,
  TO_THE_END,
} from '../../src/frames/record-reader';
import { encodeImage, uint32 } from '../support/images';

const FILES = identifyImage('files.img')?.kind as ImageKind;
const PIPES_DATA = identifyImage('pipes-data.img')?.kind as ImageKind;

/** Gives the bytes in chunks of at most `step`, as a pipe or an archive would. */
function inChunks(bytes: Buffer, step: number): ByteReader {
  let at = 0;
  return {
    read: async (into, start, length) => {
      const size = Math.min(step, length, bytes.length - at);
      bytes.copy(into, start, at, at + size);
      at += size;
      return size;
    },
  };
}

/** The same, and every second piece without waiting, as a file that is open gives them. */
function inChunksNow(bytes: Buffer, step: number): ByteReader {
  const { read } = inChunks(bytes, step);
  let [at, calls] = [0, 0];
  return {
    read: async (into, start, length) => {
      const size = await read(into, start, length);
      at += size;
      return size;
    },
    readNow: (into, start, length) => {
      calls += 1;
      if (calls % 2 === 0) return undefined;
      const size = Math.min(step, length, bytes.length - at);
      bytes.copy(into, start, at, at + size);
      void read(Buffer.alloc(size), 0, size);
      at += size;
      return size;
    },
  };
}

/** The records, what follows them as extras, and what is left behind the last one. */
async function readWhole(source: ByteReader, rules: Omit<RecordRules, 'takeExtra'>) {
  const extras: Buffer[] = [];
  const tail: Buffer[] = [];
  const takeExtra = (bytes: Uint8Array) => void extras.push(Buffer.from(bytes));
  const reader = new RecordReader(source, 'x.img', { ...rules, takeExtra });
  await reader.magics();
  const records: Buffer[] = [];
  for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
    for (let i = 0; i < batch.count; i += 1)
      records.push(Buffer.from(batch.bytes.subarray(batch.starts[i] as number, batch.ends[i] as number)));
  }
  const { offset } = reader;
  await reader.readTail((bytes) => void tail.push(Buffer.from(bytes)));
  reader.release();
  return { records, extras: Buffer.concat(extras), offset, tail: Buffer.concat(tail) };
}

async function readAll(bytes: Buffer, step: number, kind = FILES, extra?: ExtraLength) {
  const reader = new RecordReader(inChunks(bytes, step), 'x.img', { extraLength: extra });
  await reader.header(kind);
  const records: Buffer[] = [];
  for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
    t_is(batch.firstEntry, records.length);
    for (let i = 0; i < batch.count; i += 1) {
      const start = batch.starts[i] as number;
      const end = batch.ends[i] as number;
      records.push(Buffer.from(batch.bytes.subarray(start, end)));
      t_is(bytes.readUInt32LE(batch.base + start - 4), end - start);
    }
  }
  return { records, hasFirstMagic: reader.hasFirstMagic };
}

function t_is(a: unknown, b: unknown): void {
  if (a !== b) throw new Error(`${a} is not ${b}`);
}

const records = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 30 });

test('gives every record, however the bytes come', async (t) => {
  await fc.assert(
    fc.asyncProperty(records, fc.integer({ min: 1, max: 700 }), fc.boolean(), async (expected, step, firstMagic) => {
      const image = encodeImage('files.img', expected, { firstMagic });
      const read = await readAll(image, step);
      t.deepEqual(
        read.records,
        expected.map((record) => Buffer.from(record)),
      );
      t.is(read.hasFirstMagic, firstMagic);
    }),
    { numRuns: 200 },
  );
});

test('passes over what follows a record, however long', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 5000 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 5000 }),
      async (lengths, step) => {
        const expected = lengths.map((length) => uint32(length));
        const extras = lengths.map((length) => Buffer.alloc(length, 0xff));
        const image = encodeImage('pipes-data.img', expected, { extras });
        const extraLength: ExtraLength = (bytes, start) => Buffer.from(bytes.subarray(start, start + 4)).readUInt32LE();
        t.deepEqual((await readAll(image, step, PIPES_DATA, extraLength)).records, expected);
      },
    ),
    { numRuns: 100 },
  );
});

test('a record larger than the buffer is read whole', async (t) => {
  const image = framed([Buffer.alloc(3 << 20, 7), Buffer.from('x')]);
  t.true(framed((await readAll(image, 1 << 16)).records).equals(image));
});

test('an image cut off anywhere says how many bytes are missing, or ends between records', async (t) => {
  const image = encodeImage('files.img', [Buffer.alloc(3), Buffer.alloc(5)]);
  const whole = new Set([8, 15, 24]);
  for (let length = 0; length < image.length; length += 1) {
    if (whole.has(length)) {
      await t.notThrowsAsync(readAll(image.subarray(0, length), 7));
      continue;
    }
    const error = await t.throwsAsync(readAll(image.subarray(0, length), 7), { instanceOf: FdgraftError });
    t.is(error?.code, 'IMAGE_TRUNCATED', `${length}`);
    t.regex(error?.message ?? '', /needs \d+ more bytes?/);
    t.is(error?.file, 'x.img');
    const size = length > 8 && length < 12 ? 'the size of the entry' : '';
    t.regex(error?.message ?? '', new RegExp(size));
  }
});

test('the place of a cut is exact', async (t) => {
  const image = encodeImage('files.img', [Buffer.alloc(3), Buffer.alloc(5)]).subarray(0, 21);
  const error = await t.throwsAsync(readAll(image, 4), { instanceOf: FdgraftError });
  t.like(error, { entry: 1, offset: 15 });
  t.regex(error?.message ?? '', /claims 5 bytes: needs 3 more bytes/);
});

test('a size that no record has is refused before memory is taken', async (t) => {
  const image = Buffer.concat([encodeImage('files.img', []), uint32(MAX_RECORD_BYTES + 1)]);
  const error = await t.throwsAsync(readAll(image, 64), { instanceOf: FdgraftError });
  t.like(error, { code: 'IMAGE_MALFORMED', entry: 0, offset: 8 });
  t.regex(error?.message ?? '', /the entry claims 67108865 bytes, more than the 67108864 that any entry can have/);
});

/** An image with one record of so many zeros, whose bytes are never all there at once. */
function ofZeros(size: number): ByteReader {
  const begin = Buffer.concat([encodeImage('files.img', []), uint32(size)]);
  let at = 0;
  return {
    read: async (into, start, length) => {
      const count = Math.min(length, begin.length + size - at);
      into.fill(0, start, start + count);
      begin.copy(into, start, Math.min(at, begin.length));
      at += count;
      return count;
    },
  };
}

/** The sizes of the records of an image. */
async function sizesOf(source: ByteReader, rules: RecordRules): Promise<number[]> {
  const reader = new RecordReader(source, 'x.img', rules);
  await reader.header(FILES);
  const sizes: number[] = [];
  for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch())
    batch.each((_bytes, start, end) => sizes.push(end - start));
  reader.release();
  return sizes;
}

test('a record of the largest size is read whole, whatever may stand behind it', async (t) => {
  for (const tail of [undefined, { afterFirst: false, atEmpty: true }])
    t.deepEqual(await sizesOf(ofZeros(MAX_RECORD_BYTES), { tail }), [MAX_RECORD_BYTES]);
});

test.serial('a buffer that another reader leaves is not taken for a larger record', async (t) => {
  const large = ofZeros(20 << 20);
  let read = 0;
  const meanwhile: ByteReader = {
    read: async (into, start, length) => {
      // The buffer is full now, and a larger one is taken next.
      if (read > 0 && start + length === 16 << 20) t.deepEqual(await sizesOf(ofZeros(3 << 20), {}), [3 << 20]);
      const size = await large.read(into, start, length);
      read += size;
      return size;
    },
  };
  t.deepEqual(await sizesOf(meanwhile, {}), [20 << 20]);
});

test('a wrong magic is named with the one that belongs there', async (t) => {
  const image = encodeImage('fdinfo-1.img', []);
  const error = await t.throwsAsync(readAll(image, 64), { instanceOf: FdgraftError });
  t.like(error, { code: 'IMAGE_MAGIC', offset: 4 });
  t.regex(error?.message ?? '', /0x56213732 where 0x56303138 \(FILES\) belongs/);
});

test('an image without entries has its magics and nothing more', async (t) => {
  t.deepEqual((await readAll(encodeImage('files.img', []), 64)).records, []);
});

const MAGICS: [what: string, numbers: number[], first: number | undefined][] = [
  ['an image', [IMG_COMMON, FILES.magic], IMG_COMMON],
  ['a service image', [IMG_SERVICE, FILES.magic], IMG_SERVICE],
  ['an image of the oldest format', [FILES.magic], undefined],
];
for (const [what, numbers, first] of MAGICS) {
  test(`the magics of ${what}`, async (t) => {
    const reader = new RecordReader(inChunks(Buffer.concat([...numbers, 0].map(uint32)), 3), 'x.img');
    t.deepEqual(await reader.magics(), { first, own: FILES.magic, headerBytes: 4 * numbers.length });
  });
}

test('the first magic has to be that of the kind', async (t) => {
  const STATS = identifyImage('stats-dump')?.kind as ImageKind;
  const image = (first: number, { magic }: ImageKind) => Buffer.concat([first, magic].map(uint32));
  const header = (bytes: Buffer, kind: ImageKind) => new RecordReader(inChunks(bytes, 64), 'x.img').header(kind);
  t.is(await header(image(IMG_SERVICE, STATS), STATS), 8);
  t.is(await header(uint32(STATS.magic), STATS), 4);
  for (const [first, kind] of [
    [IMG_COMMON, STATS],
    [IMG_SERVICE, FILES],
  ] as const) {
    const error = await t.throwsAsync(header(image(first, kind), kind), { instanceOf: FdgraftError });
    t.like(error, { code: 'IMAGE_MAGIC', offset: 0, file: 'x.img' });
  }
});

const bytes = (maxLength: number, minLength = 0) =>
  fc.uint8Array({ minLength, maxLength }).map((some) => Buffer.from(some));
const framed = (all: readonly Buffer[]) => encodeImage('files.img', all);
const readers = [inChunks, inChunksNow] as const;

test('behind the last record, the tail begins where its rules say', async (t) => {
  /** What is behind the records, by the rules; the first record is there in any case. */
  const tails: [TailRules, fc.Arbitrary<Buffer>][] = [
    [{ afterFirst: true, atEmpty: false }, bytes(100)],
    [{ afterFirst: false, atEmpty: true }, fc.nat({ max: 100 }).map((length) => Buffer.alloc(length))],
    [{ afterFirst: false, atEmpty: false }, bytes(3)],
    [
      { afterFirst: false, atEmpty: false },
      bytes(50).map((more) => Buffer.concat([uint32(MAX_RECORD_BYTES + 1), more])),
    ],
  ];
  for (const [tail, behind] of tails) {
    const some = fc.array(bytes(300, 1), { minLength: 1, maxLength: tail.afterFirst ? 1 : 20 });
    const step = fc.integer({ min: 1, max: 400 });
    await fc.assert(
      fc.asyncProperty(some, behind, step, fc.constantFrom(...readers), async (records, rest, size, read) => {
        const image = framed(records);
        const found = await readWhole(read(Buffer.concat([image, rest]), size), { tail });
        t.deepEqual(found, { records, extras: Buffer.alloc(0), offset: image.length, tail: rest });
      }),
      { numRuns: 50 },
    );
  }
});

test.serial('bytes of an earlier image are no size behind the last record', async (t) => {
  const tail = { afterFirst: false, atEmpty: false };
  await readWhole(inChunks(framed([Buffer.alloc(2000)]), 4096), {});
  const rest = Buffer.from([1, 0, 0]);
  const found = await readWhole(inChunks(Buffer.concat([framed([Buffer.alloc(9, 7)]), rest]), 4096), { tail });
  t.deepEqual(found.tail, rest);
});

test('an empty record is one like any other where it does not begin the tail', async (t) => {
  const empty = [Buffer.alloc(0), Buffer.from('x'), Buffer.alloc(0)];
  for (const tail of [undefined, { afterFirst: false, atEmpty: false }]) {
    t.deepEqual((await readWhole(inChunks(framed(empty), 64), { tail })).records, empty);
  }
  const atOnce = await readWhole(inChunks(framed(empty), 64), { tail: { afterFirst: false, atEmpty: true } });
  t.deepEqual(atOnce.records, []);
});

test('an extra that is cut off is told with the place of the cut', async (t) => {
  const image = encodeImage('pipes-data.img', [uint32(5), uint32(9)], { extras: [Buffer.alloc(5), Buffer.alloc(9)] });
  const extraLength: ExtraLength = (bytes, start) => bytes[start] as number;
  for (const step of [1, 3, 64]) {
    const read = readWhole(inChunks(image.subarray(0, -2), step), { extraLength });
    const error = await t.throwsAsync(read, { instanceOf: FdgraftError });
    t.like(error, { code: 'IMAGE_TRUNCATED', entry: 1, offset: image.length - 2 });
    t.regex(error?.message ?? '', /the bytes that follow the entry: needs 2 more bytes/);
  }
});

test('an extra may be all that is left of the file', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      bytes(300),
      bytes(3000),
      fc.integer({ min: 1, max: 700 }),
      fc.constantFrom(...readers),
      async (record, extra, step, read) => {
        const image = framed([record]);
        const found = await readWhole(read(Buffer.concat([image, extra]), step), { extraLength: () => TO_THE_END });
        t.deepEqual(found, {
          records: [record],
          extras: extra,
          offset: image.length + extra.length,
          tail: Buffer.alloc(0),
        });
      },
    ),
    { numRuns: 100 },
  );
});

test('the records of a batch are counted on from those before', async (t) => {
  const records = Array.from({ length: 40 }, (_, i) => Buffer.alloc(1 + (i % 3)));
  const reader = new RecordReader(inChunks(framed(records), 50), 'x.img');
  await reader.header(FILES);
  let next = 0;
  for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
    const numbers: number[] = [];
    batch.each((_bytes, _start, _end, entry) => numbers.push(entry));
    const one = numbers.map((_entry, i) => batch.at(i, (_bytes, _start, _end, entry) => entry));
    for (const records of [1, 2, batch.count]) {
      const counts = [...batch.chunks(records)].map(({ count }) => count);
      t.is(counts.length, Math.ceil(batch.count / records));
      t.true(counts.every((count) => count >= 1 && count <= records));
    }
    const inChunks = [...batch.chunks(2)].flatMap((chunk) => [chunk.firstEntry, chunk.firstEntry + chunk.count]);
    const expected = Array.from({ length: batch.count }, (_, i) => next + i);
    t.deepEqual([numbers, one], [expected, expected]);
    t.is(inChunks[0], next);
    next += batch.count;
    t.is(inChunks.at(-1), next);
    for (const i of [0, batch.count - 1]) {
      const error = t.throws(() =>
        batch.at(i, () => {
          throw new WireFault('odd', batch.starts[i] as number);
        }),
      );
      t.like(error, { entry: batch.firstEntry + i, offset: batch.base + (batch.starts[i] as number) });
    }
  }
  t.is(next, records.length);
});

test('a record whose extra cannot be counted is told with its place', async (t) => {
  const image = framed([Buffer.from('ab'), Buffer.from('c')]);
  const counting = (error: Error) => (_bytes: Uint8Array, start: number, end: number) => {
    if (end - start === 1) throw error;
    return 0;
  };
  const read = (error: Error) => readWhole(inChunks(image, 64), { extraLength: counting(error) });
  const told = await t.throwsAsync(read(new WireFault('odd', 18)), { instanceOf: FdgraftError });
  t.like(told, { file: 'x.img', entry: 1 });
  const other = new Error('of another kind');
  t.is(await t.throwsAsync(read(other)), other);
});

test.serial('no more of a file is read than the next records need', async (t) => {
  const records = Array.from({ length: 4096 }, () => Buffer.alloc(4092));
  const image = framed(records);
  for (const isNow of [false, true]) {
    let read = 0;
    const source = inChunks(image, image.length);
    const counted: ByteReader = {
      read: async (into, start, length) => {
        const size = await source.read(into, start, length);
        read += size;
        return size;
      },
    };
    if (isNow) {
      counted.readNow = (into, start, length) => {
        const size = Math.min(length, image.length - read);
        image.copy(into, start, read, read + size);
        read += size;
        return size;
      };
    }
    const reader = await newReader(counted);
    await reader.header(FILES);
    t.true(read <= 1 << 20, `${read} bytes were read for the magics`);
    let taken = 8;
    for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
      t.true(batch.count * 4096 <= 1 << 20, `${batch.count} records are in memory`);
      taken += batch.count * 4096;
      t.true(read - taken < 4096, `${read} bytes were read for ${taken}`);
    }
    t.is(taken, image.length);
    reader.release();
  }
});

/** A reader with new buffers: those of earlier ones are of any size, and others take them away here. */
async function newReader(source: ByteReader): Promise<RecordReader> {
  const other = new RecordReader(ofZeros(2 << 20), 'x.img');
  await other.header(FILES);
  await other.nextBatch();
  return new RecordReader(source, 'x.img');
}

test.serial('a buffer of small records has any number of them', async (t) => {
  const records = Array.from({ length: 5000 }, (_, i) => Buffer.from(i % 3 === 0 ? 'x' : ''));
  const reader = await newReader(inChunks(framed(records), 1 << 20));
  await reader.header(FILES);
  const sizes: number[] = [];
  for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch())
    batch.each((_bytes, start, end) => sizes.push(end - start));
  t.deepEqual(
    sizes,
    records.map(({ length }) => length),
  );
});

test.serial('a large image is read in large chunks from the second on', async (t) => {
  const asked: number[] = [];
  const { read } = inChunks(framed(Array.from({ length: 1024 }, () => Buffer.alloc(4092))), 1 << 22);
  const reader = await newReader({
    read: (into, start, length) => {
      asked.push(length);
      return read(into, start, length);
    },
  });
  await reader.header(FILES);
  while ((await reader.nextBatch()) !== undefined);
  t.is(asked[0], 1 << 16);
  // The last ones find the end.
  t.true(asked.length <= 8, `${asked}`);
});

test('nothing is read ahead of what is asked for', async (t) => {
  const image = framed([Buffer.from('abc'), Buffer.from('de')]);
  for (const isNow of [false, true]) {
    let [at, allowed] = [0, 8];
    const give = (into: Uint8Array, start: number, length: number) => {
      if (at >= allowed) throw new Error(`${at} bytes are enough`);
      const size = Math.min(length, 4, allowed - at);
      image.copy(into, start, at, at + size);
      at += size;
      return size;
    };
    const source: ByteReader = { read: async (...place) => give(...place) };
    if (isNow) source.readNow = give;
    const reader = new RecordReader(source, 'x.img');
    await reader.header(FILES);
    for (const [size, end] of [
      [3, 15],
      [2, 21],
    ]) {
      allowed = end as number;
      const batch = await reader.nextBatch();
      t.is(batch?.count, 1);
      t.is(
        batch?.at(0, (_bytes, start, end) => end - start),
        size,
      );
    }
  }
});

test.serial('a small image begins with a small buffer, whatever was read before', async (t) => {
  t.deepEqual(await sizesOf(ofZeros(3 << 20), {}), [3 << 20]);
  let most = 0;
  const { read } = ofZeros(1 << 10);
  const counted: ByteReader = {
    read: (into, start, length) => {
      most = Math.max(most, length);
      return read(into, start, length);
    },
  };
  t.deepEqual(await sizesOf(counted, {}), [1 << 10]);
  t.true(most <= 1 << 20, `${most}`);
});

test.serial('records of any size leave buffers in which the next ones fit', async (t) => {
  for (const size of [1 << 10, 1 << 17, 3 << 20, 1 << 17, 5 << 20, 3 << 20, 1 << 10]) {
    const image = framed([Buffer.alloc(size, 1), Buffer.alloc(10, 2), Buffer.alloc(size, 3)]);
    const { records } = await readWhole(inChunks(image, 1 << 16), {});
    t.true(framed(records).equals(image), `${size}`);
  }
});
