import type { ByteReader } from '../../bytes/byte-stream';
import { SparseMap } from '../sparse-map';
import { BLOCK_BYTES, numberOf, paddingOf } from './blocks';
import type { HeaderBlocks } from './headers';
import { decimalOf, type PaxRecord } from './pax';

/** A file of which an archive keeps less than all. */
export interface SparseFile {
  readonly size: number;
  /** Undefined where the content begins with it. */
  readonly map: SparseMap | undefined;
}

/** What stands at the beginning of the content: some hundred thousand stretches. */
const MAX_MAP_BYTES = 8 << 20;

const OLD_GNU = { mapAt: 386, mapEntries: 4, moreAt: 482, sizeAt: 483, moreEntries: 21, moreMoreAt: 504 };
const NUMBER_BYTES = 12;
const LINE_END = 0x0a;
/** Of a number in a map. */
const MAX_DIGITS = 16;

/** True where GNU tar's old format has another block of the map behind this one. `block`: the header, or such a block. */
export function hasMoreMap(block: Buffer, which: 'header' | 'map'): boolean {
  return block[which === 'header' ? OLD_GNU.moreAt : OLD_GNU.moreMoreAt] === 1;
}

/**
 * How a sparse file is kept, in any of the formats of GNU tar, which bsdtar writes too; undefined where a member is
 * none. Throws Error where it cannot be so.
 */
export function sparseFileOf({ main, behind }: HeaderBlocks, records: readonly PaxRecord[], isOld: boolean) {
  return isOld ? oldGnu(main, behind) : ofPax(records);
}

function oldGnu(main: Buffer, behind: Buffer): SparseFile {
  const map = mapOf(numberOf(main.subarray(OLD_GNU.sizeAt, OLD_GNU.sizeAt + NUMBER_BYTES)));
  const take = (from: Buffer, at: number, entries: number) => {
    for (let i = 0; i < entries; i += 1) {
      const field = (n: number) => from.subarray(at + (2 * i + n) * NUMBER_BYTES, at + (2 * i + n + 1) * NUMBER_BYTES);
      if (field(0)[0] === 0) return;
      map.push(numberOf(field(0)), numberOf(field(1)));
    }
  };
  take(main, OLD_GNU.mapAt, OLD_GNU.mapEntries);
  for (let at = 0; at < behind.length; at += BLOCK_BYTES) take(behind, at, OLD_GNU.moreEntries);
  return { size: map.size, map };
}

/** https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html: versions 0.0, 0.1 and 1.0. */
function ofPax(records: readonly PaxRecord[]): SparseFile | undefined {
  const values = (key: string) => records.filter((record) => record.key === `GNU.sparse.${key}`).map(textOf);
  const [size] = [...values('realsize'), ...values('size')];
  if (size === undefined) return undefined;
  const map = mapOf(decimalOf(size));
  if (values('major')[0] === '1') return { size: map.size, map: undefined };
  const [joined] = values('map');
  const numbers = joined?.split(',');
  const offsets = numbers?.filter((_, i) => i % 2 === 0) ?? values('offset');
  const bytes = numbers?.filter((_, i) => i % 2 === 1) ?? values('numbytes');
  for (const [i, offset] of offsets.entries()) map.push(decimalOf(offset), decimalOf(bytes[i] ?? ''));
  return { size: map.size, map };
}

function textOf({ value }: PaxRecord): string {
  return value.toString('latin1');
}

function mapOf(size: number): SparseMap {
  if (!Number.isSafeInteger(size)) throw new Error('a sparse file whose size does not fit');
  return new SparseMap(size);
}

/** What stands ahead of the stretches of a sparse file in version 1.0, filled up to whole blocks. */
export function sparseHead(map: SparseMap): Buffer {
  const last = map.length === 0 ? 0 : map.end(map.length - 1);
  // A hole at the end is a stretch without bytes: GNU tar gives the file its size by it.
  const more = last < map.size ? [map.size, 0] : [];
  const numbers = [map.length + more.length / 2];
  for (let i = 0; i < map.length; i += 1) numbers.push(map.offset(i), map.bytesAt(i));
  const text = Buffer.from([...numbers, ...more].map((number) => `${number}\n`).join(''));
  return Buffer.concat([text, Buffer.alloc(paddingOf(text.length))]);
}

/**
 * Reads a sparse file, as a whole or its stretches alone. `stored`: its content as the archive has it, `bytes` long.
 */
export class SparseReader implements ByteReader {
  private at = 0;
  private stretch = 0;
  private map: SparseMap | undefined;
  private withHoles = true;

  constructor(
    private readonly file: SparseFile,
    private readonly stored: ByteReader,
    private readonly bytes: number,
  ) {}

  /** Where the stretches lie. From here on `read` gives these alone. */
  async condense(): Promise<SparseMap> {
    this.withHoles = false;
    return this.findMap();
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    const map = await this.findMap();
    while (this.stretch < map.length && map.end(this.stretch) <= this.at) this.stretch += 1;
    const isLast = this.stretch === map.length;
    const next = isLast ? this.file.size : map.offset(this.stretch);
    if (next > this.at && this.withHoles) {
      const zeros = Math.min(length, next - this.at);
      into.fill(0, start, start + zeros);
      this.at += zeros;
      return zeros;
    }
    if (isLast) return 0;
    this.at = Math.max(this.at, next);
    const got = await this.stored.read(into, start, Math.min(length, map.end(this.stretch) - this.at));
    this.at += got;
    return got;
  }

  private async findMap(): Promise<SparseMap> {
    if (this.map !== undefined) return this.map;
    const before = { blocks: 0 };
    const map = this.file.map ?? (await this.readMap(before));
    if (before.blocks * BLOCK_BYTES + map.stored !== this.bytes) {
      throw new Error('a sparse file with more or less content than its map says');
    }
    this.map = map;
    return map;
  }

  /**
   * Version 1.0: decimal numbers, a line each, how many stretches first, filled up to whole blocks. They are read byte
   * by byte: some megabytes of lines are millions of numbers.
   */
  private async readMap(read: { blocks: number }): Promise<SparseMap> {
    const map = mapOf(this.file.size);
    // How many numbers there are is known as soon as the first one is.
    let [wanted, taken, offset] = [1, 0, 0];
    let digits = '';
    while (taken < wanted) {
      if (read.blocks * BLOCK_BYTES >= MAX_MAP_BYTES) {
        throw new Error(`a sparse file with a map of over ${MAX_MAP_BYTES} bytes`);
      }
      const block = await this.nextBlock();
      read.blocks += 1;
      for (let i = 0; i < BLOCK_BYTES && taken < wanted; i += 1) {
        if (block[i] !== LINE_END) {
          if (digits.length > MAX_DIGITS) throw new Error('a sparse file whose map is no list of numbers');
          digits += String.fromCharCode(block[i] as number);
          continue;
        }
        const number = decimalOf(digits);
        if (Number.isNaN(number)) throw new Error('a sparse file whose map is no list of numbers');
        if (taken === 0) wanted = 1 + 2 * number;
        else if (taken % 2 === 1) offset = number;
        else map.push(offset, number);
        taken += 1;
        digits = '';
      }
    }
    return map;
  }

  private async nextBlock(): Promise<Buffer> {
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let done = 0; done < BLOCK_BYTES; ) {
      const got = await this.stored.read(block, done, BLOCK_BYTES - done);
      if (got === 0) throw new Error('a sparse file whose map is cut off');
      done += got;
    }
    return block;
  }
}
