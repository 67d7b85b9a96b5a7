import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { IMG_SERVICE, type ImageFile, type ImageKind, identifyImage } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-batch';
import { type ExtraLength, RecordReader, type TakeExtra } from '../frames/record-reader';
import { decode } from '../schema/decode';
import type { MessageSchema } from '../schema/message';
import { extraBytes, hasExtras, recordGrammar } from '../schema/record-grammar';
import type { SourceMember } from '../storage/source';

/** The lengths of the extras of an image, for one reading of it; undefined where it has none. */
function extrasOf(kind: ImageKind): ExtraLength | undefined {
  if (!hasExtras(kind)) return undefined;
  const grammar = recordGrammar(kind);
  return (bytes, start, end) => extraBytes(grammar(bytes, start, end));
}

/** An image that is being read. */
export interface OpenImage extends ImageFile {
  /** Name as messages show it. */
  readonly name: string;
  readonly hasFirstMagic: boolean;
  /** Where the first record begins. */
  readonly headerBytes: number;
}

/**
 * What image of the checkpoint a member is; undefined for raw bytes, for service files, which no restore reads, and
 * for what lies in a subfolder. Throws FdgraftError where an image is no file: what is in it would be missed.
 */
export function imageOf(member: SourceMember): ImageFile | undefined {
  const image = identifyImage(member.name.toString('latin1'));
  if (image?.kind.firstMagic === IMG_SERVICE) return undefined;
  if (image !== undefined && member.kind !== 'file' && member.kind !== 'link') {
    throw messages.notARegularFile(escapeBytes(member.name));
  }
  return image;
}

/** Records of an image, and the image. */
export interface ImageBatch {
  readonly batch: RecordBatch;
  readonly open: OpenImage;
}

/**
 * The records of an image in batches, each valid until the next is asked for. `onOpen` is called once, after the
 * magics and before the first batch; `takeExtra` with the extras that are too long for a batch.
 */
export async function* batchesOf(
  member: SourceMember,
  image: ImageFile,
  onOpen: (open: OpenImage) => void | Promise<void> = () => {},
  takeExtra?: TakeExtra,
): AsyncGenerator<ImageBatch, void, undefined> {
  const name = escapeBytes(member.name);
  const file = await member.open();
  const reader = new RecordReader(file, name, { extraLength: extrasOf(image.kind), takeExtra });
  try {
    const headerBytes = await reader.header(image.kind);
    const open = { ...image, name, headerBytes, hasFirstMagic: reader.hasFirstMagic };
    await onOpen(open);
    for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
      yield { batch, open };
    }
  } finally {
    reader.release();
    await file.close();
  }
}

/** Calls `visit` with each batch of an image; otherwise as `batchesOf`. */
export async function readBatches(
  member: SourceMember,
  image: ImageFile,
  visit: (batch: RecordBatch, open: OpenImage) => void | Promise<void>,
  onOpen?: (open: OpenImage) => void | Promise<void>,
  takeExtra?: TakeExtra,
): Promise<void> {
  for await (const { batch, open } of batchesOf(member, image, onOpen, takeExtra)) await visit(batch, open);
}

/** Decodes all records of a small image. */
export async function decodeAll<T>(
  member: SourceMember,
  image: ImageFile,
  schema: MessageSchema<T>,
  onOpen?: (open: OpenImage) => void,
): Promise<T[]> {
  const decoded: T[] = [];
  await readBatches(
    member,
    image,
    (batch) => batch.each((bytes, start, end) => decoded.push(decode(schema, bytes, start, end))),
    onOpen,
  );
  return decoded;
}

/** Decodes the one record of an image that always has one. */
export async function decodeFirst<T>(
  member: SourceMember,
  image: ImageFile,
  schema: MessageSchema<T>,
  onOpen?: (open: OpenImage) => void,
): Promise<T> {
  const [first] = await decodeAll(member, image, schema, onOpen);
  if (first === undefined) throw messages.truncated({ file: escapeBytes(member.name) }, 4, 'there is no entry');
  return first;
}
