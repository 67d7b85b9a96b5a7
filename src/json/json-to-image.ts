import { decodeBase64 } from '../bytes/base64';
import { BufferedWriter } from '../bytes/buffered-writer';
import type { ByteReader, ByteWriter } from '../bytes/byte-stream';
import { messages } from '../errors/messages';
import { IMAGE_KINDS, type ImageKind, kindNamed } from '../frames/image-kinds';
import { MAX_RECORD_BYTES } from '../frames/record-reader';
import { TELLING_BYTES, whatBegins } from '../frames/what-begins';
import { encodeSize } from '../frames/write-records';
import { entryGrammar, hasExtras, messageOfEntry, type RecordGrammar } from '../schema/record-grammar';
import { type MessageShape, shapeOf } from '../schema/shape';
import { Spool } from '../storage/spool';
import { usualHead } from './image-to-json';
import { CLOSE_ARRAY, CLOSE_OBJECT, JsonScanner, NEEDS_MORE, quoted } from './json-scanner';
import { EXTRA_KEY, HEAD_KEY, TAIL_KEY } from './keys';
import { allowedNames } from './nearest';
import { readBase64 } from './read-base64';
import { noExtra, type ReadExtra, readExtra } from './read-extra';
import { MessageReader } from './read-message';
import { withArticle } from './with-article';

const KEYS = ['magic', HEAD_KEY, 'entries', TAIL_KEY];

/**
 * Writes the image that a JSON of crit, go-criu or `imageToJson` says. Memory grows with the largest entry; what
 * cannot be written yet waits in a file of the temporary directory. `file`: how messages name the JSON. Throws
 * FdgraftError (JSON_MALFORMED) with the path of the place as `field`.
 */
export async function jsonToImage(
  json: ByteReader,
  file: string,
  writer: ByteWriter,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const encoder = new ImageEncoder(new JsonScanner(json, file), new BufferedWriter(writer), options.signal);
  try {
    await encoder.run();
  } finally {
    encoder.close();
  }
}

class ImageEncoder {
  private kind: ImageKind | undefined;
  private head: Buffer | undefined;
  private headAt = 0;
  private readonly seen = new Set<string>();
  private readonly tail = new Spool();
  /** The text of `entries`, where it comes before `magic`, and where in the file it began. */
  private readonly waiting = new Spool();
  private waitingAt = 0;

  constructor(
    private readonly scanner: JsonScanner,
    private readonly writer: BufferedWriter,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async run(): Promise<void> {
    const { scanner } = this;
    if (whatBegins(await scanner.ahead(TELLING_BYTES)) === 'image') throw messages.imageIsNoJson(scanner.file);
    await scanner.whole(() => scanner.expect('{'));
    if (!(await scanner.whole(() => scanner.accept(CLOSE_OBJECT)))) {
      do await this.member();
      while (await scanner.whole(() => scanner.hasAnother(CLOSE_OBJECT)));
    }
    for (const key of ['magic', 'entries']) {
      if (!this.seen.has(key))
        throw scanner.fault(`the image lacks ${quoted(key)}`, 'crit writes {"magic": …, "entries": […]}');
    }
    if (!(await scanner.whole(() => scanner.isAtEnd())))
      throw scanner.fault(`${scanner.shown()} behind the end of the JSON`);
    if (this.waiting.length > 0) {
      const again = new JsonScanner(this.waiting.reader(), scanner.file, this.waitingAt);
      await this.entries(again, this.kind as ImageKind);
    }
    await this.tail.writeTo(this.writer);
    await this.writer.flush();
  }

  close(): void {
    this.tail.close();
    this.waiting.close();
  }

  private async member(): Promise<void> {
    const { scanner } = this;
    const key = await scanner.whole(() => scanner.takeText());
    if (!KEYS.includes(key)) {
      throw scanner.fault(`there is no key ${quoted(key)} in an image`, allowedNames(key, KEYS), scanner.start - 1);
    }
    scanner.path.push(key);
    if (this.seen.has(key)) throw scanner.fault('the key is there twice', 'leave one of them', scanner.start - 1);
    this.seen.add(key);
    await scanner.whole(() => scanner.expect(':'));
    await scanner.whole(() => scanner.peek());
    if (key === 'magic') await this.magic();
    else if (key === HEAD_KEY) await this.readHead();
    else if (key === TAIL_KEY) await readBase64(scanner, this.tail);
    else if (this.kind !== undefined) await this.entries(scanner, this.kind);
    else await this.wait();
    scanner.path.pop();
  }

  private async magic(): Promise<void> {
    const { scanner } = this;
    const name = await scanner.whole(() => scanner.takeText());
    this.kind = kindNamed(name);
    if (this.kind === undefined) {
      const names = IMAGE_KINDS.map((kind) => kind.name);
      throw scanner.fault(`${quoted(name)} is the magic of no image`, allowedNames(name, names), scanner.start - 1);
    }
  }

  private async readHead(): Promise<void> {
    const { scanner } = this;
    if (this.seen.has('entries')) {
      throw scanner.fault(`${HEAD_KEY} comes behind "entries"`, 'put it before them, as fdgraft decode does');
    }
    this.headAt = scanner.offset;
    const head = decodeBase64(await scanner.whole(() => scanner.takeText()));
    if (head === undefined || (head.length !== 4 && head.length !== 8)) {
      throw scanner.fault('the magics are 4 or 8 bytes, as base64', undefined, scanner.start - 1);
    }
    this.head = head;
  }

  /** Keeps the text of the entries until it is known what they are. */
  private async wait(): Promise<void> {
    const { scanner } = this;
    const type = await scanner.whole(() => scanner.type());
    if (type !== 'array' && type !== 'null') throw scanner.fault(`${scanner.shown()} where a list of entries belongs`);
    this.waitingAt = scanner.offset;
    if (type === 'null') {
      scanner.word(type);
      this.waiting.push(Buffer.from(type));
    } else await scanner.copyArray((bytes) => this.waiting.push(bytes));
  }

  private async entries(scanner: JsonScanner, kind: ImageKind): Promise<void> {
    await this.writer.write(this.checkedHead(kind));
    if (scanner !== this.scanner) scanner.path.push('entries');
    const type = await scanner.whole(() => scanner.type());
    // go-criu writes null for none.
    if (type === 'null') return scanner.word('null');
    if (type !== 'array') throw scanner.fault(`${scanner.shown()} where a list of entries belongs`);
    scanner.at += 1;
    if (await scanner.whole(() => scanner.accept(CLOSE_ARRAY))) return;
    const entries = new EntryEncoder(scanner, kind, this.writer);
    const mayHaveExtra = hasExtras(kind);
    let index = 0;
    do {
      if (index % 1024 === 0) this.signal?.throwIfAborted();
      scanner.path.push(index);
      if (mayHaveExtra) await entries.withExtra(index);
      else if (!entries.tryNext(index)) await entries.next(index);
      else if (!entries.tryPut()) await entries.put();
      scanner.path.pop();
      if (this.writer.isFull) await this.writer.flush();
      index += 1;
    } while (entries.hasAnother() ?? (await scanner.whole(() => scanner.hasAnother(CLOSE_ARRAY))));
  }

  private checkedHead(kind: ImageKind): Buffer {
    const { head, headAt, scanner } = this;
    if (head === undefined) return usualHead(kind);
    if (head.readUInt32LE(head.length - 4) === kind.magic) return head;
    scanner.path.splice(0, scanner.path.length, HEAD_KEY);
    const at = headAt - scanner.offset + scanner.at;
    throw scanner.fault(`${HEAD_KEY} does not end with the magic of ${kind.name}`, `leave ${HEAD_KEY} out`, at);
  }
}

/** Reads the entries of one image, one after the other. */
class EntryEncoder {
  private readonly reader: MessageReader;
  /** For the next entry. It sees no messages of queues, which are written with their entry. */
  private readonly grammar: RecordGrammar;
  private readonly first: MessageShape;
  private readonly others: MessageShape;

  constructor(
    private readonly scanner: JsonScanner,
    private readonly kind: ImageKind,
    private readonly writer: BufferedWriter,
  ) {
    this.reader = new MessageReader(scanner);
    this.grammar = entryGrammar(kind);
    this.first = shapeOf(messageOfEntry(kind, 0));
    this.others = shapeOf(messageOfEntry(kind, 1));
  }

  /** An entry that the buffer holds as a whole, the usual case, without a promise; false where it does not. */
  tryNext(index: number): boolean {
    const { scanner } = this;
    const depth = scanner.path.length;
    scanner.keep = scanner.at;
    try {
      this.read(index);
    } catch (error) {
      if (error !== NEEDS_MORE) throw error;
      scanner.at = scanner.keep;
      scanner.path.length = depth;
      return false;
    }
    return true;
  }

  /** Puts a small record where records gather, without a promise; false where there is no room for it. */
  tryPut(): boolean {
    const { out } = this.reader;
    return out.length <= MAX_RECORD_BYTES && this.writer.addRecord(out.bytes, out.length);
  }

  async next(index: number): Promise<void> {
    await this.scanner.whole(() => this.read(index));
    await this.put();
  }

  /** Whether another entry follows; undefined where the buffer does not say it. */
  hasAnother(): boolean | undefined {
    const { scanner } = this;
    scanner.keep = scanner.at;
    try {
      return scanner.hasAnother(CLOSE_ARRAY);
    } catch (error) {
      if (error !== NEEDS_MORE) throw error;
      scanner.at = scanner.keep;
      return undefined;
    }
  }

  private read(index: number): void {
    const { scanner, reader } = this;
    const shape = index === 0 ? this.first : this.others;
    const from = scanner.at;
    reader.backTo(NOTHING);
    reader.sawName = false;
    reader.sawNumberText = false;
    reader.nameFault = undefined;
    reader.readsGoNames = false;
    reader.message(shape);
    if (!(reader.sawName && reader.sawNumberText)) {
      if (reader.nameFault !== undefined) throw reader.nameFault;
      return;
    }
    scanner.at = from;
    reader.backTo(NOTHING);
    reader.readsGoNames = true;
    reader.message(shape);
  }

  /** An entry that may have an `extra`, which may be of any length. */
  async withExtra(index: number): Promise<void> {
    const { scanner, reader, kind } = this;
    const shape = index === 0 ? this.first : this.others;
    let extra: ReadExtra | undefined;
    try {
      if ((await scanner.whole(() => scanner.type())) !== 'object')
        throw scanner.fault(`${scanner.shown()} where an object, ${withArticle(shape.name)}, belongs`);
      scanner.at += 1;
      reader.backTo(NOTHING);
      reader.begin(shape);
      if (!(await scanner.whole(() => scanner.accept(CLOSE_OBJECT)))) {
        do {
          const name = await this.member();
          if (name === undefined) continue;
          if (name !== EXTRA_KEY) throw reader.unknownKey(shape, name);
          scanner.path.push(name);
          if (extra !== undefined) throw scanner.fault('the key is there twice', 'leave one of them');
          await scanner.whole(() => scanner.expect(':'));
          extra = await readExtra(kind, scanner);
          scanner.path.pop();
        } while (await scanner.whole(() => scanner.hasAnother(CLOSE_OBJECT)));
      }
      reader.finish();
      await this.putWith(extra ?? noExtra(kind));
    } finally {
      extra?.close();
    }
  }

  private async member(): Promise<string | undefined> {
    const { scanner, reader } = this;
    const mark = reader.mark();
    return scanner.whole(() => {
      reader.backTo(mark);
      return reader.member();
    });
  }

  private async putWith(extra: ReadExtra): Promise<void> {
    const { scanner } = this;
    const record = this.reader.out.since(0);
    const role = this.grammar(record, 0, record.length);
    await this.put();
    scanner.path.push(EXTRA_KEY);
    await extra.write(role, this.writer, (problem, hint) => scanner.fault(problem, hint));
    scanner.path.pop();
  }

  async put(): Promise<void> {
    const record = this.checked();
    await this.writer.write(encodeSize(record.length));
    await this.writer.write(record);
  }

  private checked(): Buffer {
    const record = this.reader.out.since(0);
    if (record.length > MAX_RECORD_BYTES) {
      throw this.scanner.fault(
        `the entry has ${record.length} bytes, more than the ${MAX_RECORD_BYTES} that any can have`,
      );
    }
    return record;
  }
}

const NOTHING = { length: 0, top: 0 };
