import { builtins } from '../bytes/builtins';
import { escapeBytes } from '../bytes/escape';
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
  readonly record: Uint8Array | undefined;
  /** Records that come before it. */
  readonly added?: readonly Buffer[];
}

/** How an image is changed. */
export interface Change {
  /** The records that are replaced, in ascending order. An extra stays behind its record, or goes with it. */
  readonly replace: (batch: RecordBatch, open: OpenImage) => readonly Replacement[];
  /** Records to add at the end, asked for when all others are written. */
  readonly append?: () => readonly Buffer[];
}

const SIZE_BYTES = 4;

/**
 * Copies an image with the change made; what is not replaced is copied as bytes. Resolves to the digests.
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
    let isLastGone = false;
    await readBatches(
      member,
      image,
      async (batch, open) => {
        const original = batch.bytes.subarray(firstByte(batch), batch.end);
        const replacements = replace(batch, open);
        const last = replacements.at(-1);
        isLastGone = last !== undefined && last.index === batch.count - 1 && last.record === undefined;
        await write(original, applyReplacements(batch, original, replacements));
      },
      async (open) => {
        const magics = encodeMagics({ first: open.hasFirstMagic ? IMG_COMMON : undefined, own: open.kind.magic });
        await write(magics, magics);
      },
      async (extra) => write(extra, isLastGone ? NO_BYTES : extra),
    );
    await write(NO_BYTES, Buffer.concat(append().flatMap((record) => frameRecord(record))));
    return { name: escapeBytes(member.name), before: before.digest(), after: after.digest() };
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
  const { bytes, starts, ends, count, end } = batch;
  const chunks: Uint8Array[] = [];
  let copied = firstByte(batch);
  const startOf = (index: number) => (index < count ? (starts[index] as number) - SIZE_BYTES : end);
  for (const { index, record, added = [] } of replacements) {
    chunks.push(bytes.subarray(copied, startOf(index)), ...added.flatMap((one) => frameRecord(one)));
    if (record !== undefined) chunks.push(...frameRecord(record));
    copied = record === undefined ? startOf(index + 1) : (ends[index] as number);
  }
  chunks.push(bytes.subarray(copied, end));
  return Buffer.concat(chunks);
}
