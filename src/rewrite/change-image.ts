import { builtins } from '../bytes/builtins';
import { updateHash } from '../bytes/sha256';
import { type OpenImage, readBatches } from '../checkpoint/open-image';
import { IMG_COMMON, type ImageFile } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-batch';
import { encodeMagics, frameRecord } from '../frames/write-records';
import type { Sink } from '../storage/sink';
import type { SourceMember } from '../storage/source';
import type { ChangedImage } from './match';

/** What takes the place of record `index` of a batch; undefined where the record goes. */
export interface Replacement {
  readonly index: number;
  readonly record: Buffer | undefined;
}

/** How an image is changed. */
export interface Change {
  /** The records that are replaced, in ascending order. An extra stays behind its record. */
  readonly replace: (batch: RecordBatch, open: OpenImage) => readonly Replacement[];
  /** Records to add at the end, asked for when all others are written. */
  readonly append?: () => readonly Buffer[];
}

const SIZE_BYTES = 4;

/**
 * Copies an image with the change made; what is not replaced is copied as bytes. Resolves to the digests. Only
 * records without extras can go.
 */
export async function changeImage(
  member: SourceMember,
  image: ImageFile,
  sink: Sink,
  { replace, append = () => [] }: Change,
): Promise<ChangedImage> {
  const before = builtins.crypto.createHash('sha256');
  const after = builtins.crypto.createHash('sha256');
  const writer = await sink.put(member);
  const write = async (original: Uint8Array, result: Uint8Array) => {
    updateHash(before, original);
    updateHash(after, result);
    await writer.write(result);
  };
  try {
    let name = '';
    await readBatches(
      member,
      image,
      async (batch, open) => {
        const original = batch.bytes.subarray(firstByte(batch), batch.end);
        await write(original, applyReplacements(batch, original, replace(batch, open)));
      },
      async (open) => {
        name = open.name;
        const magics = encodeMagics({ first: open.hasFirstMagic ? IMG_COMMON : undefined, own: open.kind.magic });
        await write(magics, magics);
      },
      async (extra) => write(extra, extra),
    );
    await write(NO_BYTES, Buffer.concat(append().flatMap((record) => frameRecord(record))));
    return { name, before: before.digest(), after: after.digest() };
  } finally {
    await writer.close();
  }
}

const NO_BYTES = Buffer.alloc(0);

/** Where the size of the first record stands. */
function firstByte({ starts }: RecordBatch): number {
  return (starts[0] as number) - SIZE_BYTES;
}

function applyReplacements(batch: RecordBatch, original: Uint8Array, replacements: readonly Replacement[]): Uint8Array {
  if (replacements.length === 0) return original;
  const { bytes, starts, ends, end } = batch;
  const pieces: Uint8Array[] = [];
  let copied = firstByte(batch);
  for (const { index, record } of replacements) {
    pieces.push(bytes.subarray(copied, (starts[index] as number) - SIZE_BYTES));
    if (record !== undefined) pieces.push(...frameRecord(record));
    copied = ends[index] as number;
  }
  pieces.push(bytes.subarray(copied, end));
  return Buffer.concat(pieces);
}
