import { createHash } from 'node:crypto';
import { encodeUint32 } from '../bytes/little-endian';
import { type OpenImage, readBatches } from '../checkpoint/open-image';
import { IMG_COMMON, type ImageFile } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-reader';
import type { Sink } from '../storage/sink';
import type { SourceMember } from '../storage/source';
import type { ChangedImage } from './match';

/** A record that takes the place of record `index` of a batch. */
export interface Replacement {
  readonly index: number;
  readonly record: Buffer;
}

const SIZE_BYTES = 4;

/**
 * Copies an image, except for the records that `replace` gives others for, in ascending order. What
 * lies between them is copied as bytes. For images without extras. Resolves to the digests.
 */
export async function changeImage(
  member: SourceMember,
  image: ImageFile,
  sink: Sink,
  replace: (batch: RecordBatch, open: OpenImage) => readonly Replacement[],
): Promise<ChangedImage> {
  const before = createHash('sha256');
  const after = createHash('sha256');
  const writer = await sink.put(member);
  const write = async (original: Uint8Array, result: Uint8Array) => {
    before.update(original);
    after.update(result);
    await writer.write(result);
  };
  try {
    const { name } = await readBatches(
      member,
      image,
      async (batch, open) => {
        const original = wholeBatch(batch);
        await write(original, applyReplacements(batch, original, replace(batch, open)));
      },
      async (open) => {
        const magics = encodeMagics(open);
        await write(magics, magics);
      },
    );
    return { name, before: before.digest(), after: after.digest() };
  } finally {
    await writer.close();
  }
}

function encodeMagics(open: OpenImage): Buffer {
  const own = encodeUint32(open.kind.magic);
  return open.hasFirstMagic ? Buffer.concat([encodeUint32(IMG_COMMON), own]) : own;
}

/** The bytes of all records of a batch, sizes included. */
function wholeBatch(batch: RecordBatch): Uint8Array {
  const { bytes, starts, ends, count } = batch;
  return bytes.subarray((starts[0] as number) - SIZE_BYTES, ends[count - 1]);
}

function applyReplacements(batch: RecordBatch, original: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  if (replacements.length === 0) return original;
  const { bytes, starts, ends, count } = batch;
  const pieces: Uint8Array[] = [];
  let copied = (starts[0] as number) - SIZE_BYTES;
  for (const { index, record } of replacements) {
    pieces.push(bytes.subarray(copied, (starts[index] as number) - SIZE_BYTES), encodeUint32(record.length), record);
    copied = ends[index] as number;
  }
  pieces.push(bytes.subarray(copied, ends[count - 1]));
  return Buffer.concat(pieces);
}
