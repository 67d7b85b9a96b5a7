import test from 'ava';
import fc from 'fast-check';
import type { ByteReader } from '../../src/bytes/byte-stream';
import { FdgraftError } from '../../src/errors/fdgraft-error';
import { type ImageKind, identifyImage } from '../../src/frames/image-kinds';
import { type ExtraLength, MAX_RECORD_BYTES, RecordReader } from '../../src/frames/record-reader';
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
  const large = Buffer.alloc(3 << 20, 7);
  t.deepEqual((await readAll(encodeImage('files.img', [large, Buffer.from('x')]), 1 << 16)).records, [
    large,
    Buffer.from('x'),
  ]);
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
