import type { BufferedWriter } from '../bytes/buffered-writer';
import type { ExtraRow, ImageKind } from '../frames/image-kinds';
import { TO_THE_END } from '../frames/record-reader';
import { frameRecord } from '../frames/write-records';
import { type ExtraPart, paddingOf, type RecordRole, roleReader } from '../schema/record-grammar';
import { shapeOf } from '../schema/shape';
import { Spool } from '../storage/spool';
import { CLOSE_ARRAY, CLOSE_OBJECT, JsonScanner, quoted } from './json-scanner';
import { allowedNames } from './nearest';
import { readBase64 } from './read-base64';
import { MessageReader } from './read-message';

/** What `extra` may hold instead of base64. */
const NOT_SHOWN = 'what --nopl shows cannot be turned back: decode again without it';

/** What follows a record, as JSON has it. Kept until the record is known. */
export interface ReadExtra {
  /** Writes it after its record. Throws what `fault` makes of a problem where it does not fit the record. */
  write(role: RecordRole, writer: BufferedWriter, fault: Fault): Promise<void>;
  close(): void;
}

type Fault = (problem: string, hint?: string) => Error;

/** Reads the value of `extra`, of any length. */
export async function readExtra(kind: ImageKind, scanner: JsonScanner): Promise<ReadExtra> {
  const extra = newExtra(kind);
  try {
    await extra.read(scanner);
  } catch (error) {
    extra.close();
    throw error;
  }
  return extra;
}

/** For a record whose JSON has no `extra`. */
export function noExtra(kind: ImageKind): ReadExtra {
  return newExtra(kind);
}

interface Extra extends ReadExtra {
  read(scanner: JsonScanner): Promise<void>;
}

function newExtra({ extra, inner }: ImageKind): Extra {
  if (inner !== undefined) return new Messages(inner);
  const [row] = extra;
  if (row?.keys !== undefined) return new Named(extra);
  return row?.itemBytes === undefined ? new Bytes() : new Numbers();
}

/** One string of base64. */
class Bytes implements Extra {
  readonly spool = new Spool();

  async read(scanner: JsonScanner): Promise<void> {
    await readBase64(scanner, this.spool, NOT_SHOWN);
  }

  async write({ parts }: RecordRole, writer: BufferedWriter, fault: Fault): Promise<void> {
    const [part] = parts;
    if (part !== undefined) await writePart(part, this.spool, writer, fault);
    else if (this.spool.length > 0)
      throw fault(`${this.spool.length} bytes, where nothing follows such an entry`, 'leave "extra" out');
  }

  close(): void {
    this.spool.close();
  }
}

/** Parts by name: the two queues of a connection. */
class Named implements Extra {
  private readonly parts: readonly { readonly keys: readonly string[]; readonly spool: Spool }[];

  constructor(rows: readonly ExtraRow[]) {
    this.parts = rows.map(({ keys = [] }) => ({ keys, spool: new Spool() }));
  }

  async read(scanner: JsonScanner): Promise<void> {
    await unquoted(scanner, (inner) => this.members(inner));
  }

  private async members(scanner: JsonScanner): Promise<void> {
    await scanner.whole(() => scanner.expect('{'));
    if (await scanner.whole(() => scanner.accept(CLOSE_OBJECT))) return;
    const seen = new Set<Spool>();
    do {
      const name = await scanner.whole(() => scanner.takeText());
      const queue = this.parts.find(({ keys }) => keys.includes(name))?.spool;
      if (queue === undefined)
        throw scanner.fault(
          `there is no key ${quoted(name)} here`,
          allowedNames(
            name,
            this.parts.map(({ keys }) => keys[0] as string),
          ),
          scanner.start - 1,
        );
      if (seen.has(queue)) {
        throw scanner.fault(`the key ${quoted(name)} is there twice`, 'leave one of them', scanner.start - 1);
      }
      seen.add(queue);
      scanner.path.push(name);
      await scanner.whole(() => scanner.expect(':'));
      await readBase64(scanner, queue, NOT_SHOWN);
      scanner.path.pop();
    } while (await scanner.whole(() => scanner.hasAnother(CLOSE_OBJECT)));
  }

  async write({ parts }: RecordRole, writer: BufferedWriter, fault: Fault): Promise<void> {
    for (const [i, part] of parts.entries()) await writePart(part, this.parts[i]?.spool as Spool, writer, fault);
  }

  close(): void {
    for (const { spool } of this.parts) spool.close();
  }
}

/** Semaphores: a list of 16-bit numbers. */
class Numbers implements Extra {
  private readonly spool = new Spool();

  async read(scanner: JsonScanner): Promise<void> {
    await unquoted(scanner, (inner) => this.list(inner));
  }

  private async list(scanner: JsonScanner): Promise<void> {
    await scanner.whole(() => scanner.expect('['));
    if (await scanner.whole(() => scanner.accept(CLOSE_ARRAY))) return;
    let index = 0;
    do {
      scanner.path.push(index);
      const value = await scanner.whole(() => semaphore(scanner));
      this.spool.push(Uint8Array.of(value & 0xff, value >> 8));
      scanner.path.pop();
      index += 1;
    } while (await scanner.whole(() => scanner.hasAnother(CLOSE_ARRAY)));
  }

  async write({ parts }: RecordRole, writer: BufferedWriter, fault: Fault): Promise<void> {
    await writePart(parts[0] as ExtraPart, this.spool, writer, fault);
  }

  close(): void {
    this.spool.close();
  }
}

function semaphore(scanner: JsonScanner): number {
  const isNumber = scanner.type() === 'number';
  const from = scanner.at;
  const text = isNumber ? scanner.number() : '';
  const value = /^\d+$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
  if (value > 0xffff) throw scanner.fault('a semaphore is a whole number from 0 to 65535', undefined, from);
  return value;
}

/** The messages of a queue: a flat list of each message and its text. */
class Messages implements Extra {
  /** As they stand in the image. */
  private readonly spool = new Spool();
  private count = 0;

  constructor(private readonly inner: NonNullable<ImageKind['inner']>) {}

  async read(scanner: JsonScanner): Promise<void> {
    await unquoted(scanner, (inner) => this.list(inner));
  }

  private async list(scanner: JsonScanner): Promise<void> {
    await scanner.whole(() => scanner.expect('['));
    if (await scanner.whole(() => scanner.accept(CLOSE_ARRAY))) return;
    do {
      scanner.path.push(2 * this.count);
      const record = await unquoted(scanner, (one) => readRecord(this.inner.message, one));
      await scanner.whole(() => scanner.expect(','));
      scanner.path.splice(-1, 1, 2 * this.count + 1);
      await this.text(scanner, record);
      scanner.path.pop();
      this.count += 1;
    } while (await scanner.whole(() => scanner.hasAnother(CLOSE_ARRAY)));
  }

  private async text(scanner: JsonScanner, record: Buffer): Promise<void> {
    const text = new Spool();
    try {
      await readBase64(scanner, text, NOT_SHOWN);
      for (const chunk of frameRecord(record)) this.spool.push(chunk);
      const [part] = roleReader(this.inner)(record, 0, record.length).parts;
      const into = { write: async (bytes: Uint8Array) => this.spool.push(bytes) };
      await writePart(part as ExtraPart, text, into, (problem, hint) => scanner.fault(problem, hint));
    } finally {
      text.close();
    }
  }

  async write({ inner }: RecordRole, writer: BufferedWriter, fault: Fault): Promise<void> {
    if (this.count !== inner)
      throw fault(
        `${this.count} messages, where "${this.inner.count}" says ${inner}`,
        `set "${this.inner.count}" to ${this.count}`,
      );
    await this.spool.writeTo(writer);
  }

  close(): void {
    this.spool.close();
  }
}

async function readRecord(message: string, scanner: JsonScanner): Promise<Buffer> {
  const reader = new MessageReader(scanner);
  await scanner.whole(() => {
    reader.backTo({ length: 0, top: 0 });
    reader.message(shapeOf(message));
  });
  return Buffer.from(reader.out.since(0));
}

/** go-criu has some extras as a string with JSON in it: reads its inside. */
async function unquoted<T>(scanner: JsonScanner, read: (scanner: JsonScanner) => Promise<T>): Promise<T> {
  if ((await scanner.whole(() => scanner.type())) !== 'string') return read(scanner);
  const { offset } = scanner;
  const text = await scanner.whole(() => scanner.takeText());
  // Places are those of the string, as if nothing in it were escaped.
  const inner = JsonScanner.over(Buffer.from(text, 'utf8'), scanner.file, offset + 1);
  inner.path.push(...scanner.path);
  const found = await read(inner);
  if (!inner.isAtEnd()) throw inner.fault(`${inner.shown()} behind the end of the JSON in this string`);
  return found;
}

/** Bytes, and zeros up to a multiple; or both, where the zeros were none. */
async function writePart(
  part: ExtraPart,
  spool: Spool,
  writer: { write(bytes: Uint8Array): Promise<void> },
  fault: Fault,
): Promise<void> {
  const padding = paddingOf(part);
  const isWhole = part.bytes === TO_THE_END || spool.length === part.bytes + padding;
  if (!isWhole && spool.length !== part.bytes) {
    throw fault(
      `${spool.length} bytes, where the entry says ${part.bytes}`,
      'the field that counts them and "extra" have to agree: change both',
    );
  }
  await spool.writeTo(writer);
  if (!isWhole) await writer.write(new Uint8Array(padding));
}
