import type { Hash } from 'node:crypto';
import { builtins } from '../bytes/builtins';
import type { ByteReader } from '../bytes/byte-stream';
import { escapeBytes } from '../bytes/escape';
import { type BytesAt, equalBytes } from '../bytes/same-bytes';
import { updateHash } from '../bytes/sha256';
import type { ImageKind } from '../frames/image-kinds';
import type { RecordBatch } from '../frames/record-batch';
import { type Magics, RecordReader } from '../frames/record-reader';
import { kindOf } from '../json/image-to-json';
import { extraBytes, hasExtras, messageOfEntry, type RecordGrammar, recordGrammar } from '../schema/record-grammar';
import { type MessageShape, shapeOf } from '../schema/shape';
import { tailRules } from '../schema/tail-rules';
import type { Digest } from './difference';

/** One entry, valid until the next is asked for. */
export interface Entry {
  readonly shape: MessageShape;
  readonly index: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Offset in the file of the first byte of the buffer. */
  readonly base: number;
  /** What follows it; records that belong to it too. */
  readonly payload: Digest | undefined;
}

const SIZE_BYTES = 4;
/** So much of a payload is shown. */
const SHOWN_BYTES = 4096;

/** Reads an image entry by entry; what follows them is digested. */
export class ImageEntries {
  /** Where extras follow records: entries that are complete. */
  private entries: Entry[] = [];
  /** Where none do: records as they lie in the reader's buffer. */
  private batch: RecordBatch | undefined;
  private next = 0;
  private count = 0;
  private isOver = false;
  /** The last entry, as long as what follows it has not all come. */
  private open: { entry: Omit<Entry, 'payload'>; hash: Hash; bytes: number; inner: number; shown: Buffer } | undefined;
  private readonly grammar: RecordGrammar;
  private readonly mayHaveExtras: boolean;

  private constructor(
    readonly kind: ImageKind,
    readonly magics: Magics,
    private readonly reader: RecordReader,
    readonly _file: string,
    private readonly showsPayload: boolean,
  ) {
    const grammar = recordGrammar(kind);
    this.grammar = recordGrammar(kind);
    this.mayHaveExtras = hasExtras(kind);
    reader.rules = {
      extraLength: this.mayHaveExtras ? (bytes, start, end) => extraBytes(grammar(bytes, start, end)) : undefined,
      takeExtra: (bytes) => this.payload(bytes),
      tail: tailRules(kind),
    };
  }

  /** Reads the magics. `file`: how messages name it. Throws FdgraftError. */
  static async open(image: ByteReader, file: string, showsPayload = false): Promise<ImageEntries> {
    const reader = new RecordReader(image, file);
    const magics = await reader.magics();
    return new ImageEntries(kindOf(magics, file), magics, reader, file, showsPayload);
  }

  /** The messages that its entries can be. */
  shapes(): MessageShape[] {
    return [0, 1].map((index) => shapeOf(messageOfEntry(this.kind, index)));
  }

  /** The next entry, if it is there already; undefined where `fill` is to be called. */
  take(): Entry | undefined {
    const { batch, next } = this;
    if (batch !== undefined) {
      if (next >= batch.count) return undefined;
      this.next += 1;
      const index = batch.firstEntry + next;
      const shape = shapeOf(messageOfEntry(this.kind, index));
      const [start, end] = [batch.starts[next] as number, batch.ends[next] as number];
      return { shape, index, bytes: batch.bytes, start, end, base: batch.base, payload: undefined };
    }
    const entry = this.entries[next];
    if (entry !== undefined) this.next += 1;
    return entry;
  }

  /** Steps over entries that both images have as the same bytes in the same row, as far as both are in memory. */
  skipSame(other: ImageEntries): void {
    const [a, b] = [this.batch, other.batch];
    if (a === undefined || b === undefined) return;
    if (this.next >= a.count || other.next >= b.count) return;
    const [from, otherFrom] = [recordFrame(a, this.next), recordFrame(b, other.next)];
    const equal = equalBytes(stretch(a, from), stretch(b, otherFrom));
    // Sizes are among the bytes, so records end at the same places on both sides.
    const before = this.next;
    while (this.next < a.count && (a.ends[this.next] as number) <= from + equal) this.next += 1;
    other.next += this.next - before;
  }

  /** Reads on. False at the end. What was given out is not valid any more. */
  async fill(): Promise<boolean> {
    this.entries = [];
    this.next = 0;
    if (!this.mayHaveExtras) {
      this.batch = this.isOver ? undefined : await this.reader.nextBatch();
      this.isOver = this.batch === undefined;
      return !this.isOver;
    }
    while (this.entries.length === 0 && !this.isOver) {
      const batch = await this.reader.nextBatch();
      if (batch === undefined) {
        this.isOver = true;
        this.close();
      } else this.see(batch);
    }
    return this.entries.length > 0;
  }

  /** What stands behind the last entry. To be called at the end. */
  async tail(): Promise<Digest | undefined> {
    const hash = builtins.crypto.createHash('sha256');
    let bytes = 0;
    await this.reader.readTail((chunk) => {
      hash.update(chunk);
      bytes += chunk.length;
    });
    return bytes === 0 ? undefined : { bytes, sha256: hash.digest('hex') };
  }

  release(): void {
    this.reader.release();
  }

  private see(batch: RecordBatch): void {
    if (this.open !== undefined && this.open.inner === 0) this.close();
    const { base, end: batchEnd } = batch;
    batch.each((bytes, start, end) => this.record(bytes, start, end, base, batchEnd));
    // The buffer is the reader's.
    if (this.open !== undefined) this.open.entry = copied(this.open.entry);
  }

  private record(bytes: Uint8Array, start: number, end: number, base: number, batchEnd: number): void {
    const role = this.grammar(bytes, start, end);
    if (this.open !== undefined && this.open.inner > 0) {
      this.open.inner -= 1;
      this.payload(bytes.subarray(start - 4, end));
    } else {
      const entry = { shape: shapeOf(role.message), index: this.count, bytes, start, end, base };
      this.count += 1;
      if (role.parts.length === 0 && role.inner === 0) {
        this.entries.push({ ...entry, payload: undefined });
        return;
      }
      this.open = {
        entry,
        hash: builtins.crypto.createHash('sha256'),
        bytes: 0,
        inner: role.inner,
        shown: Buffer.alloc(0),
      };
    }
    const length = extraBytes(role);
    if (end + length > batchEnd) return;
    this.payload(bytes.subarray(end, end + length));
    if (this.open.inner === 0) this.close();
  }

  private payload(bytes: Uint8Array): void {
    if (this.open === undefined) return;
    updateHash(this.open.hash, bytes);
    this.open.bytes += bytes.length;
    const room = this.showsPayload ? SHOWN_BYTES - this.open.shown.length : 0;
    if (room > 0) this.open.shown = Buffer.concat([this.open.shown, bytes.subarray(0, room)]);
  }

  private close(): void {
    if (this.open === undefined) return;
    const { entry, hash, bytes, shown } = this.open;
    const text = this.showsPayload ? { text: escapeBytes(shown) } : {};
    this.entries.push({ ...entry, payload: { bytes, sha256: hash.digest('hex'), ...text } });
    this.open = undefined;
  }
}

/** Where the size of a record stands. */
function recordFrame({ starts }: RecordBatch, index: number): number {
  return (starts[index] as number) - SIZE_BYTES;
}

function stretch({ bytes, end }: RecordBatch, start: number): BytesAt {
  return { bytes, start, end };
}

/** An entry that stays valid. */
export function copied<T extends Pick<Entry, 'bytes' | 'start' | 'end' | 'base'>>(entry: T): T {
  const bytes = Buffer.from(entry.bytes.subarray(entry.start, entry.end));
  return { ...entry, bytes, start: 0, end: bytes.length, base: entry.base + entry.start };
}
