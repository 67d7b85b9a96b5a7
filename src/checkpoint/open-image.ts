import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { IMG_SERVICE, type ImageFile, type ImageKind, identifyImage } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-batch';
import { type ExtraLength, RecordReader, type TakeExtra } from '../frames/record-reader';
import { decode } from '../schema/decode';
import type { MessageSchema } from '../schema/message';
import { extraBytes, hasExtras, recordGrammar } from '../schema/record-grammar';
import type { MemberReader, SourceMember } from '../storage/source';

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
 * for what lies in a subdirectory. Throws FdgraftError where an image is no file: what is in it would be missed.
 */
export function imageOf(member: SourceMember): ImageFile | undefined {
  const image = identifyImage(member.name.toString('latin1'));
  if (image?.kind.firstMagic === IMG_SERVICE) return undefined;
  if (image !== undefined && member.kind !== 'file' && member.kind !== 'link') {
    throw messages.notARegularFile(escapeBytes(member.name));
  }
  return image;
}

/** An image that is being read: its magics when it is opened, then its records in batches. */
export class ImageReader {
  private constructor(
    readonly image: OpenImage,
    private readonly records: RecordReader,
    private readonly file: MemberReader,
  ) {}

  /** `takeExtra`: is given the extras that are too long for a batch. Throws FdgraftError. */
  static async open(member: SourceMember, image: ImageFile, takeExtra?: TakeExtra): Promise<ImageReader> {
    const name = escapeBytes(member.name);
    const file = await member.open();
    const records = new RecordReader(file, name, { extraLength: extrasOf(image.kind), takeExtra });
    try {
      const headerBytes = await records.header(image.kind);
      const { kind, number, numberOf } = image;
      const { hasFirstMagic } = records;
      return new ImageReader({ kind, number, numberOf, name, headerBytes, hasFirstMagic }, records, file);
    } catch (error) {
      records.release();
      await file.close();
      throw error;
    }
  }

  /** The next records, valid until the next are asked for; undefined at the end. Throws FdgraftError. */
  next(): Promise<RecordBatch | undefined> {
    return this.records.nextBatch();
  }

  /** Throws FdgraftError where the file was changed while it was read. */
  async close(): Promise<void> {
    this.records.release();
    await this.file.close();
  }
}

/** The records of an image in batches, each valid until the next is asked for. */
export async function* batchesOf(member: SourceMember, image: ImageFile): AsyncGenerator<RecordBatch, void, undefined> {
  const reader = await ImageReader.open(member, image);
  try {
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) yield batch;
  } finally {
    await reader.close();
  }
}

/**
 * Calls `visit` with each batch of an image; `onOpen` once, after the magics and before the first batch. `takeExtra` is
 * given the extras that are too long for a batch.
 */
export async function readBatches(
  member: SourceMember,
  image: ImageFile,
  visit: (batch: RecordBatch, open: OpenImage) => void | Promise<void>,
  onOpen: (open: OpenImage) => void | Promise<void> = () => {},
  takeExtra?: TakeExtra,
): Promise<void> {
  const reader = await ImageReader.open(member, image, takeExtra);
  try {
    await onOpen(reader.image);
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      await visit(batch, reader.image);
    }
  } finally {
    await reader.close();
  }
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
