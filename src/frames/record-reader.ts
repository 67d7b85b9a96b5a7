import type { ByteReader } from '../bytes/byte-stream';
import { readUint32 } from '../bytes/little-endian';
import { locate } from '../errors/locate';
import { messages } from '../errors/messages';
import { WireFault } from '../errors/wire-fault';
import { IMG_COMMON, IMG_SERVICE, type ImageKind } from './image-kinds';
import { RecordBatch } from './record-batch';

/** Most images are small; those that are not are read in larger chunks from the second on. */
const FIRST_CHUNK_BYTES = 1 << 16;
const CHUNK_BYTES = 1 << 20;
/** Far above any record of CRIU (the largest, mm_entry, has some 60 bytes a mapping), so that a damaged size is told at once. */
export const MAX_RECORD_BYTES = 64 << 20;
const SIZE_BYTES = 4;
/** The smaller buffers stay until they are collected: few of them are better than few bytes in them. */
const GROWTH = 4;
/** Holds any record with its size, and a bit of the next. */
const LARGEST_CHUNK_BYTES = MAX_RECORD_BYTES + (1 << 16);

/** How many bytes follow a record as its extra. */
export type ExtraLength = (bytes: Uint8Array, start: number, end: number) => number;
/** Takes the bytes of an extra that lie in no batch, as they come. */
export type TakeExtra = (bytes: Uint8Array) => void | Promise<void>;

/** The extra is all that is left of the file. */
export const TO_THE_END = Number.POSITIVE_INFINITY;

/** The one or two magics that an image begins with. */
export interface Magics {
  /** IMG_COMMON or IMG_SERVICE; undefined where there is neither. */
  readonly first: number | undefined;
  /** The one that names the image. */
  readonly own: number;
  /** Both. */
  readonly headerBytes: number;
}

/** What may stand behind the last record. */
export interface TailRules {
  /** CRIU reads one record; whatever follows it is left over. */
  readonly afterFirst: boolean;
  /** No record can be empty, so an empty one is the beginning of padding. */
  readonly atEmpty: boolean;
}

/** What an image has beside records. */
export interface RecordRules {
  /** Absent: nothing follows a record. */
  readonly extraLength?: ExtraLength | undefined;
  readonly takeExtra?: TakeExtra | undefined;
  /** Where given, bytes that cannot be a record end the records (`readTail`); else they are an error. */
  readonly tail?: TailRules | undefined;
}

interface Buffers {
  readonly bytes: Uint8Array;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Buffers that no reader uses now. */
let spare: Buffers | undefined;

/** One that grew for a record, as long as nobody else needs its memory: a checkpoint is read twice. */
let largeSpare: WeakRef<Uint8Array> | undefined;

function takeLarger(length: number): Uint8Array {
  const kept = largeSpare?.deref();
  largeSpare = undefined;
  return kept !== undefined && kept.length >= length ? kept : Buffer.allocUnsafeSlow(length);
}

function newBuffers(): Buffers {
  return {
    bytes: Buffer.allocUnsafeSlow(FIRST_CHUNK_BYTES),
    starts: new Int32Array(1024),
    ends: new Int32Array(1024),
  };
}

/**
 * Reads an image in large chunks: its magics, then batches of records. Extras are passed over. Memory
 * grows with the largest record, never with the file, and never with a size that is merely claimed.
 */
export class RecordReader {
  /** Whether the image begins with IMG_COMMON; known after `header`. */
  hasFirstMagic = false;

  private bytes: Uint8Array;
  /** What is in the buffer and not yet given out: bytes[start, end). */
  private start = 0;
  private end = 0;
  private base = 0;
  private atEnd = false;
  private entry = 0;
  /** Bytes of an extra that are still to be passed over. */
  private toSkip = 0;
  /** True behind bytes that were left out: another stretch to leave out is probably near. */
  private hasSkipped = false;
  private starts: Int32Array;
  private ends: Int32Array;

  constructor(
    private readonly source: ByteReader,
    private readonly file: string,
    /** May be set later, by what the magics say, but before the first batch. */
    public rules: RecordRules = {},
  ) {
    const { bytes, starts, ends } = spare ?? newBuffers();
    spare = undefined;
    this.bytes = bytes;
    this.starts = starts;
    this.ends = ends;
  }

  /** Leaves the buffers to the next reader: a checkpoint has thousands of small images. */
  release(): void {
    const { bytes, starts, ends } = this;
    if (bytes.length <= CHUNK_BYTES) spare = { bytes, starts, ends };
    else largeSpare = new WeakRef(bytes);
  }

  /** Reads the magics, whatever they are. */
  async magics(): Promise<Magics> {
    if (!this.fillNow(2 * SIZE_BYTES)) await this.fill(2 * SIZE_BYTES);
    if (this.end === 0) throw messages.emptyImage(this.file);
    this.needAtLeast(SIZE_BYTES, 'the magic');
    const leading = readUint32(this.bytes, 0);
    const first = leading === IMG_COMMON || leading === IMG_SERVICE ? leading : undefined;
    const at = first === undefined ? 0 : SIZE_BYTES;
    this.needAtLeast(at + SIZE_BYTES, 'the magic');
    this.start = at + SIZE_BYTES;
    return { first, own: readUint32(this.bytes, at), headerBytes: this.start };
  }

  /** Reads and checks the magics. Resolves to the offset of the first record. */
  async header(kind: ImageKind): Promise<number> {
    const { first, own, headerBytes } = await this.magics();
    const expected = `0x${kind.magic.toString(16)} (${kind.name})`;
    if (first !== undefined && first !== kind.firstMagic) throw messages.wrongMagic(this.file, 0, first, expected);
    if (own !== kind.magic) throw messages.wrongMagic(this.file, headerBytes - SIZE_BYTES, own, expected);
    this.hasFirstMagic = first !== undefined;
    return headerBytes;
  }

  /** The next records, at least one; undefined at the end of the image. */
  async nextBatch(): Promise<RecordBatch | undefined> {
    if (this.toSkip > 0) await this.skipExtra();
    if (!this.fillNow(SIZE_BYTES)) await this.fill(SIZE_BYTES);
    if (this.start === this.end || this.isAtTail()) return undefined;
    this.needAtLeast(SIZE_BYTES, 'the size of the entry');
    const wanted = SIZE_BYTES + this.sizeOfRecord();
    if (!this.fillNow(wanted)) await this.fill(wanted);
    this.needAtLeast(wanted, `the entry claims ${wanted - SIZE_BYTES} bytes`);
    return this.cutBatch();
  }

  /** Offset in the file of what is read next. */
  get offset(): number {
    return this.base + this.start;
  }

  /** Gives what is behind the last record to `take`, chunk by chunk. To be called when there are no more batches. */
  async readTail(take: TakeExtra): Promise<void> {
    for (;;) {
      if (this.start === this.end) await this.fill(1);
      if (this.start === this.end) return;
      await take(this.bytes.subarray(this.start, this.end));
      this.start = this.end;
    }
  }

  private isAtTail(): boolean {
    const { tail } = this.rules;
    if (tail === undefined) return false;
    if (this.end - this.start < SIZE_BYTES || (tail.afterFirst && this.entry > 0)) return true;
    const size = readUint32(this.bytes, this.start);
    return size > MAX_RECORD_BYTES || (size === 0 && tail.atEmpty);
  }

  private sizeOfRecord(): number {
    const size = readUint32(this.bytes, this.start);
    if (size > MAX_RECORD_BYTES) {
      const problem = `the entry claims ${size} bytes, more than the ${MAX_RECORD_BYTES} that any entry can have`;
      throw messages.malformed(this.here(), problem);
    }
    return size;
  }

  private cutBatch(): RecordBatch {
    const { bytes, end } = this;
    const { extraLength } = this.rules;
    const firstEntry = this.entry;
    let at = this.start;
    let count = 0;
    while (end - at >= SIZE_BYTES) {
      const recordStart = at + SIZE_BYTES;
      const recordEnd = recordStart + readUint32(bytes, at);
      if (recordEnd > end || this.endsBefore(recordEnd - recordStart)) break;
      if (count === this.starts.length) this.growPositions();
      this.starts[count] = recordStart;
      this.ends[count] = recordEnd;
      count += 1;
      const extra = extraLength === undefined ? 0 : this.extraOf(extraLength, recordStart, recordEnd);
      at = recordEnd;
      this.entry += 1;
      if (extra > end - at) {
        this.toSkip = extra;
        break;
      }
      at += extra;
    }
    this.start = at;
    return new RecordBatch(this.file, bytes, this.starts, this.ends, count, firstEntry, at, this.base);
  }

  /** Whether the tail begins where a record of this size would be the next. */
  private endsBefore(size: number): boolean {
    const { tail } = this.rules;
    if (tail === undefined || this.entry === 0) return false;
    return tail.afterFirst || (size === 0 && tail.atEmpty);
  }

  private extraOf(extraLength: ExtraLength, start: number, end: number): number {
    try {
      return extraLength(this.bytes, start, end);
    } catch (error) {
      throw error instanceof WireFault ? locate(error, this.file, this.entry, this.base) : error;
    }
  }

  private async skipExtra(): Promise<void> {
    while (this.toSkip > 0) {
      if (this.start === this.end) {
        this.skipInSource();
        if (this.toSkip === 0) return;
        await this.fill(1);
      }
      const available = Math.min(this.toSkip, this.end - this.start);
      if (available === 0) {
        if (this.toSkip === TO_THE_END) {
          this.toSkip = 0;
          return;
        }
        const place = { file: this.file, entry: this.entry - 1, offset: this.base + this.end };
        throw messages.truncated(place, this.toSkip, 'the bytes that follow the entry');
      }
      await this.rules.takeExtra?.(this.bytes.subarray(this.start, this.start + available));
      this.start += available;
      this.toSkip -= available;
    }
  }

  /** Leaves out what nobody takes, when all that was read is used: it can have any length. */
  private skipInSource(): void {
    if (this.rules.takeExtra !== undefined) return;
    const skipped = this.source.skip?.(this.toSkip) ?? 0;
    this.base += skipped;
    this.toSkip -= skipped;
    this.hasSkipped = skipped > 0;
  }

  /** Reads until `wanted` bytes are in the buffer, or the file ends. */
  private async fill(wanted: number): Promise<void> {
    while (this.end - this.start < wanted && !this.atEnd) {
      this.makeRoom();
      const got = await this.source.read(this.bytes, this.end, this.wanted());
      this.hasSkipped = false;
      if (got === 0) this.atEnd = true;
      this.end += got;
    }
  }

  /** The same without waiting; false where that does not do. */
  private fillNow(wanted: number): boolean {
    while (this.end - this.start < wanted && !this.atEnd) {
      this.makeRoom();
      const got = this.source.readNow?.(this.bytes, this.end, this.wanted());
      if (got === undefined) return false;
      this.hasSkipped = false;
      if (got === 0) this.atEnd = true;
      this.end += got;
    }
    return true;
  }

  private wanted(): number {
    const room = this.bytes.length - this.end;
    return this.hasSkipped ? Math.min(room, FIRST_CHUNK_BYTES) : room;
  }

  /** Moves what is left to the front, into a larger buffer where this one has been full. */
  private makeRoom(): void {
    const left = this.bytes.subarray(this.start, this.end);
    if (this.end === this.bytes.length && (this.start === 0 || this.bytes.length < CHUNK_BYTES)) {
      this.bytes = takeLarger(Math.min(Math.max(CHUNK_BYTES, GROWTH * this.bytes.length), LARGEST_CHUNK_BYTES));
      this.bytes.set(left);
    } else if (this.start > 0) this.bytes.copyWithin(0, this.start, this.end);
    this.base += this.start;
    this.end -= this.start;
    this.start = 0;
  }

  private growPositions(): void {
    const starts = new Int32Array(2 * this.starts.length);
    const ends = new Int32Array(2 * this.ends.length);
    starts.set(this.starts);
    ends.set(this.ends);
    this.starts = starts;
    this.ends = ends;
  }

  private needAtLeast(wanted: number, what: string): void {
    const missing = wanted - (this.end - this.start);
    if (missing > 0) throw messages.truncated(this.here(), missing, what);
  }

  private here() {
    return { file: this.file, entry: this.entry, offset: this.base + this.start };
  }
}
