import type { ByteReader } from '../../bytes/byte-stream';
import { BLOCK_BYTES, numberOf } from './blocks';
import type { HeaderBlocks } from './headers';
import type { PaxRecord } from './pax';

/** A stretch of a sparse file that is kept; all else of it is zeros. */
interface Stretch {
  readonly offset: number;
  readonly bytes: number;
}

/** A file of which an archive keeps less than all. */
export interface SparseFile {
  readonly size: number;
  /** Undefined where the content begins with it. */
  readonly map: readonly Stretch[] | undefined;
}

/** What stands at the beginning of the content: some hundred thousand stretches. */
const MAX_MAP_BYTES = 8 << 20;

const OLD_GNU = { mapAt: 386, mapEntries: 4, moreAt: 482, sizeAt: 483, moreEntries: 21, moreMoreAt: 504 };
const NUMBER_BYTES = 12;
const LINE_END = 0x0a;

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
  const map: Stretch[] = [];
  const take = (from: Buffer, at: number, entries: number) => {
    for (let i = 0; i < entries; i += 1) {
      const field = (n: number) => from.subarray(at + (2 * i + n) * NUMBER_BYTES, at + (2 * i + n + 1) * NUMBER_BYTES);
      if (field(0)[0] === 0) return;
      map.push({ offset: numberOf(field(0)), bytes: numberOf(field(1)) });
    }
  };
  take(main, OLD_GNU.mapAt, OLD_GNU.mapEntries);
  for (let at = 0; at < behind.length; at += BLOCK_BYTES) take(behind, at, OLD_GNU.moreEntries);
  return checked(numberOf(main.subarray(OLD_GNU.sizeAt, OLD_GNU.sizeAt + NUMBER_BYTES)), map);
}

/** https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html: versions 0.0, 0.1 and 1.0. */
function ofPax(records: readonly PaxRecord[]): SparseFile | undefined {
  const values = (key: string) => records.filter((record) => record.key === `GNU.sparse.${key}`).map(textOf);
  const [size] = [...values('realsize'), ...values('size')];
  if (size === undefined) return undefined;
  if (values('major')[0] === '1') return checked(decimal(size), undefined);
  const [joined] = values('map');
  const numbers =
    joined === undefined
      ? values('offset').flatMap((offset, i) => [offset, values('numbytes')[i] ?? ''])
      : joined.split(',');
  return checked(decimal(size), stretches(numbers));
}

function textOf({ value }: PaxRecord): string {
  return value.toString('latin1');
}

function stretches(numbers: readonly string[]): Stretch[] {
  const map: Stretch[] = [];
  for (let i = 0; i < numbers.length; i += 2) {
    map.push({ offset: decimal(numbers[i] ?? ''), bytes: decimal(numbers[i + 1] ?? '') });
  }
  return map;
}

function decimal(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
}

function checked(size: number, map: Stretch[] | undefined): SparseFile {
  let end = 0;
  for (const { offset, bytes } of map ?? []) {
    if (!(offset >= end && bytes >= 0)) throw new Error('a sparse file whose stretches are not in order');
    end = offset + bytes;
  }
  if (!(Number.isSafeInteger(size) && end <= size)) throw new Error('a sparse file whose size does not fit');
  return { size, map };
}

/** Reads a sparse file as a whole. `stored`: its content as the archive has it, `bytes` long. */
export class SparseReader implements ByteReader {
  private at = 0;
  private stretch = 0;
  private map: readonly Stretch[] | undefined;

  constructor(
    private readonly file: SparseFile,
    private readonly stored: ByteReader,
    private readonly bytes: number,
  ) {}

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    this.map ??= await this.findMap();
    while (this.end() <= this.at && this.stretch < this.map.length) this.stretch += 1;
    const next = this.map[this.stretch]?.offset ?? this.file.size;
    if (next > this.at) {
      const zeros = Math.min(length, next - this.at);
      into.fill(0, start, start + zeros);
      this.at += zeros;
      return zeros;
    }
    const got = await this.stored.read(into, start, Math.min(length, this.end() - this.at));
    this.at += got;
    return got;
  }

  /** Of the stretch that comes next. */
  private end(): number {
    const stretch = this.map?.[this.stretch];
    return stretch === undefined ? this.file.size : stretch.offset + stretch.bytes;
  }

  private async findMap(): Promise<readonly Stretch[]> {
    let mapBlocks = 0;
    const onBlock = () => {
      mapBlocks += 1;
    };
    const map = this.file.map ?? (await this.readMap(onBlock));
    const kept = map.reduce((sum, { bytes }) => sum + bytes, 0);
    if (mapBlocks * BLOCK_BYTES + kept !== this.bytes)
      throw new Error('a sparse file with more or less content than its map says');
    return map;
  }

  /** Version 1.0: decimal numbers, a line each, how many stretches first, filled up to whole blocks. */
  private async readMap(onBlock: () => void): Promise<readonly Stretch[]> {
    const blocks: Buffer[] = [];
    let lineEnds = 0;
    // How many line ends there are is known as soon as the first line is.
    let count: number | undefined;
    while (count === undefined || lineEnds < 1 + 2 * count) {
      if (blocks.length * BLOCK_BYTES >= MAX_MAP_BYTES) {
        throw new Error(`a sparse file with a map of over ${MAX_MAP_BYTES} bytes`);
      }
      const block = await this.nextBlock();
      onBlock();
      blocks.push(block);
      for (const byte of block) if (byte === LINE_END) lineEnds += 1;
      if (count === undefined && lineEnds > 0)
        count = decimal(Buffer.concat(blocks).toString('latin1').split('\n', 1)[0] ?? '');
      if (Number.isNaN(count)) throw new Error('a sparse file whose map is no list of numbers');
    }
    const [, ...numbers] = Buffer.concat(blocks)
      .toString('latin1')
      .split('\n', 1 + 2 * count);
    return checked(this.file.size, stretches(numbers)).map ?? [];
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
