import type { ByteReader, ByteWriter } from '../bytes/byte-stream';
import { encodeUint32, readUint32 } from '../bytes/little-endian';
import { messages } from '../errors/messages';
import { type ImageKind, kindOfMagic, PLAN_MAGIC, rawFileOf } from '../frames/image-kinds';
import type { RecordBatch, VisitRecord } from '../frames/record-batch';
import { type Magics, RecordReader, type RecordRules } from '../frames/record-reader';
import { whatBegins } from '../frames/what-begins';
import { encodeMagics } from '../frames/write-records';
import { extraBytes, type RecordGrammar, type RecordRole, recordGrammar } from '../schema/record-grammar';
import { shapeOf } from '../schema/shape';
import { tailRules } from '../schema/tail-rules';
import { Base64Lines } from './base64-lines';
import { JsonText } from './json-text';
import { EXTRA_KEY, HEAD_KEY, TAIL_KEY } from './keys';
import { describePayload, type ExtraWriter, extraWriter, sizeText } from './write-extra';
import { MessageWriter } from './write-message';

export interface ImageToJsonOptions {
  /** Indented, with names and hexadecimal numbers as crit's --pretty has them. */
  readonly pretty?: boolean;
  /** False: extras are not shown, only how long they are. Such JSON cannot be turned back. */
  readonly payload?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Bytes behind the last record, which CRIU does not read. */
  readonly onTail?: (offset: number) => void;
}

/** What the text of one entry can have where its strings need escapes: these make six characters of a byte. */
const MAX_ESCAPED_TEXT = 64 << 20;

const QUOTE = Buffer.from('"');
const EMPTY_RECORD_BYTES = 4;

/**
 * Writes an image as crit's JSON, without a line end. Memory grows with the largest record, not with the image.
 * `file`: how messages name it. Throws FdgraftError (IMAGE_MAGIC, IMAGE_TRUNCATED, IMAGE_MALFORMED).
 */
export async function imageToJson(
  image: ByteReader,
  file: string,
  writer: ByteWriter,
  options: ImageToJsonOptions = {},
): Promise<void> {
  refuseRaw(file);
  const reader = new RecordReader(image, file);
  try {
    const magics = await reader.magics();
    const decoder = new ImageDecoder(
      kindOf(magics, file),
      file,
      new JsonText(writer, options.pretty === true, MAX_ESCAPED_TEXT),
      options,
    );
    reader.rules = decoder.rules;
    decoder.begin(magics);
    for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
      options.signal?.throwIfAborted();
      await decoder.batch(batch);
    }
    await decoder.conclude(reader);
  } finally {
    reader.release();
  }
}

/** Throws FdgraftError (IMAGE_MAGIC) for a file whose name says that it has no records. */
function refuseRaw(file: string): void {
  const raw = rawFileOf(file.slice(file.lastIndexOf('/') + 1));
  if (raw !== undefined) throw messages.rawFile(file, raw.content);
}

/** What an image is, by its magic. Throws FdgraftError (IMAGE_MAGIC). */
export function kindOf({ own, headerBytes }: Magics, file: string): ImageKind {
  if (own === PLAN_MAGIC) throw messages.planIsNoImage(file);
  if (whatBegins(encodeUint32(own)) === 'json') throw messages.jsonIsNoImage(file);
  const kind = kindOfMagic(own);
  if (kind === undefined) throw messages.unknownMagic(file, headerBytes - 4, own);
  return kind;
}

class ImageDecoder {
  readonly rules: RecordRules;
  private readonly grammar: RecordGrammar;
  private readonly writer: MessageWriter;
  private readonly showsPayload: boolean;
  /** What follows the last record, as long as it is not written. */
  private openExtra: ExtraWriter | undefined;
  /** Records that are still to come as the extra of the last entry, and their bytes so far. */
  private inner = 0;
  private innerBytes = 0;
  private isEntryOpen = false;
  private entries = 0;

  constructor(
    private readonly kind: ImageKind,
    private readonly file: string,
    private readonly text: JsonText,
    private readonly options: ImageToJsonOptions,
  ) {
    const grammar = recordGrammar(kind);
    this.rules = {
      extraLength: (bytes, start, end) => extraBytes(grammar(bytes, start, end)),
      takeExtra: async (bytes) => {
        this.openExtra?.take(bytes);
        if (text.isFull) await text.flush();
      },
      tail: tailRules(kind),
    };
    this.grammar = recordGrammar(kind);
    this.writer = new MessageWriter(text);
    this.showsPayload = options.payload !== false;
  }

  begin(magics: Magics): void {
    const { text, writer, kind } = this;
    text.begin('{');
    writer.key('magic');
    text.quoted(kind.name);
    const head = encodeMagics(magics);
    if (!head.equals(usualHead(kind))) {
      writer.key(HEAD_KEY);
      writer.base64(head);
    }
    writer.key('entries');
    text.begin('[');
  }

  async batch(batch: RecordBatch): Promise<void> {
    this.endExtra();
    const visit: VisitRecord = (bytes, start, end) => {
      const role = this.record(bytes, start, end);
      const length = role.parts.length === 0 ? 0 : extraBytes(role);
      if (end + length > batch.end) return;
      this.openExtra?.take(bytes.subarray(end, end + length));
      this.endExtra();
    };
    for (let i = 0; i < batch.count; i += 1) {
      batch.at(i, visit);
      if (this.text.isFull) await this.text.flush();
    }
    this.entries = batch.firstEntry + batch.count;
  }

  private record(bytes: Uint8Array, start: number, end: number): RecordRole {
    const { text, writer, kind } = this;
    const role = this.grammar(bytes, start, end);
    const shape = shapeOf(role.message);
    if (this.inner > 0) {
      this.innerBytes += end - start;
      if (this.showsPayload) {
        text.item();
        writer.write(shape, bytes, start, end);
        text.item();
      }
    } else {
      text.item();
      writer.open(shape, bytes, start, end);
      this.isEntryOpen = true;
      this.inner = role.inner;
      if (kind.inner !== undefined && this.showsPayload) {
        writer.key(EXTRA_KEY);
        text.begin('[');
      }
    }
    this.beginExtra(role);
    return role;
  }

  private beginExtra(role: RecordRole): void {
    const { text, writer, kind } = this;
    if (kind.inner !== undefined) {
      if (role.parts.length === 0) {
        if (this.inner === 0) this.endEntry();
        return;
      }
      this.innerBytes += role.parts[0]?.bytes ?? 0;
      this.openExtra = this.showsPayload ? extraWriter(role, text) : UNSHOWN;
      return;
    }
    if (role.parts.length === 0) {
      this.endEntry();
      return;
    }
    if (this.showsPayload) {
      writer.key(EXTRA_KEY);
      this.openExtra = extraWriter(role, text);
      return;
    }
    this.openExtra = UNSHOWN;
    // crit shows nothing for these.
    if (kind.name === 'GHOST_FILE') return;
    writer.key(EXTRA_KEY);
    text.quoted(describePayload(role));
  }

  /** To be called when all of an extra has come. */
  private endExtra(): void {
    if (this.openExtra === undefined) return;
    this.openExtra.end();
    this.openExtra = undefined;
    if (this.inner > 0) this.inner -= 1;
    if (this.inner === 0) this.endEntry();
  }

  private endEntry(): void {
    const { text, writer, kind } = this;
    if (kind.inner !== undefined) {
      if (this.showsPayload) text.end(']');
      else {
        writer.key(EXTRA_KEY);
        text.quoted(sizeText(this.innerBytes));
      }
      this.innerBytes = 0;
    }
    text.end('}');
    this.isEntryOpen = false;
  }

  /** To be called when there are no more records. */
  async conclude(reader: RecordReader): Promise<void> {
    const { text } = this;
    this.endExtra();
    if (this.isEntryOpen) {
      const place = { file: this.file, entry: this.entries, offset: reader.offset };
      throw messages.truncated(place, EMPTY_RECORD_BYTES, `${this.inner} messages of the queue are missing`);
    }
    text.end(']');
    await this.tail(reader);
    text.end('}');
    await text.flush();
  }

  private async tail(reader: RecordReader): Promise<void> {
    const { text, writer, file } = this;
    const { offset } = reader;
    let lines: Base64Lines | undefined;
    let isPadding = false;
    await reader.readTail(async (bytes) => {
      if (lines === undefined) {
        lines = new Base64Lines((chunk) => text.raw(chunk));
        isPadding = isEmptyRecord(bytes) && !(this.rules.tail?.afterFirst && this.entries > 0);
        this.options.onTail?.(offset);
        writer.key(TAIL_KEY);
        text.raw(QUOTE);
      }
      if (isPadding && bytes.some((byte) => byte !== 0))
        throw messages.emptyEntry({ file, entry: this.entries, offset });
      lines.push(bytes);
      if (text.isFull) await text.flush();
    });
    if (lines === undefined) return;
    (lines as Base64Lines).end();
    text.raw(QUOTE);
  }
}

/** Takes an extra that is not shown. */
const UNSHOWN: ExtraWriter = { take: () => {}, end: () => {} };

function isEmptyRecord(bytes: Uint8Array): boolean {
  return bytes.length >= EMPTY_RECORD_BYTES && readUint32(bytes, 0) === 0;
}

/** The magics that an image of this kind begins with, but in the oldest format. */
export function usualHead({ firstMagic, magic }: ImageKind): Buffer {
  return encodeMagics({ first: firstMagic, own: magic });
}
