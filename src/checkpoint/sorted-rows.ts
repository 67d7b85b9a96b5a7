const CHUNK_BITS = 16;
const CHUNK_ROWS = 1 << CHUNK_BITS;
/** Chunks are merged up to so many rows: while that is done, theirs are there twice. */
const MERGED_ROWS = 1 << 19;
/** Keys are below it: with a row's place in its chunk they are exact in a double. */
export const MAX_KEY = 2 ** (53 - CHUNK_BITS);

type Numbers = Uint8Array | Uint16Array | Uint32Array;

/** Rows sorted by their key, in as few bytes as their numbers need. */
interface Chunk {
  /** The key's high and low part. */
  readonly high: Numbers;
  readonly low: Numbers;
  readonly a: Numbers;
  readonly b: Numbers;
  /** Where the last look-up ended: the next one is most often just behind. */
  cursor: number;
}

/** Millions of rows of two numbers each, found by their key; some 9 bytes a row of a checkpoint. */
export class SortedRows {
  private readonly chunks: Chunk[] = [];
  /** The rows that are in no chunk yet: key and place, and the numbers. */
  private keys = new Float64Array(1024);
  private a = new Uint32Array(1024);
  private b = new Uint32Array(1024);
  private count = 0;

  /** Adds a row before `finish`. `key`: an integer below MAX_KEY; `a` and `b`: below 2^32. */
  add(key: number, a: number, b: number): void {
    if (this.count === this.keys.length) this.makeRoom();
    this.keys[this.count] = key * CHUNK_ROWS + this.count;
    this.a[this.count] = a;
    this.b[this.count] = b;
    this.count += 1;
  }

  /** To be called when all rows are there and before any is looked up. */
  finish(): void {
    if (this.count > 0) this.closeChunk();
    this.keys = new Float64Array(0);
    this.a = new Uint32Array(0);
    this.b = new Uint32Array(0);
  }

  /** Visits the rows with this key in the order in which they were added. */
  visit(key: number, row: (a: number, b: number) => void): void {
    for (const chunk of this.chunks) {
      let at = seek(chunk, key);
      for (; at < chunk.low.length && keyAt(chunk, at) === key; at += 1) {
        row(chunk.a[at] as number, chunk.b[at] as number);
      }
      chunk.cursor = at;
    }
  }

  /** All keys, each at least once. */
  *allKeys(): Generator<number> {
    for (const chunk of this.chunks) for (let at = 0; at < chunk.low.length; at += 1) yield keyAt(chunk, at);
  }

  private makeRoom(): void {
    if (this.count === CHUNK_ROWS) {
      this.closeChunk();
      return;
    }
    const { keys, a, b } = this;
    this.keys = new Float64Array(4 * keys.length);
    this.a = new Uint32Array(4 * keys.length);
    this.b = new Uint32Array(4 * keys.length);
    this.keys.set(keys);
    this.a.set(a);
    this.b.set(b);
  }

  private closeChunk(): void {
    const { count } = this;
    const sorted = this.keys.subarray(0, count).sort();
    const [high, low] = [new Uint32Array(count), new Uint32Array(count)];
    const [a, b] = [new Uint32Array(count), new Uint32Array(count)];
    for (let i = 0; i < count; i += 1) {
      const packed = sorted[i] as number;
      const key = Math.floor(packed / CHUNK_ROWS);
      const place = packed % CHUNK_ROWS;
      high[i] = Math.floor(key / 2 ** 32);
      low[i] = key % 2 ** 32;
      a[i] = this.a[place] as number;
      b[i] = this.b[place] as number;
    }
    this.count = 0;
    this.keep({ high: narrow(high), low: narrow(low), a: narrow(a), b: narrow(b), cursor: 0 });
  }

  /** Chunks of one size become one, so that a look-up goes through few. */
  private keep(chunk: Chunk): void {
    let added = chunk;
    let last = this.chunks.at(-1);
    while (last !== undefined && last.low.length === added.low.length && last.low.length <= MERGED_ROWS / 2) {
      this.chunks.pop();
      added = merge(last, added);
      last = this.chunks.at(-1);
    }
    this.chunks.push(added);
  }
}

/** Rows of one key stay in the order in which they were added: those of `earlier` come first. */
function merge(earlier: Chunk, later: Chunk): Chunk {
  const rows = earlier.low.length + later.low.length;
  const merged: Chunk = {
    high: like(earlier.high, later.high, rows),
    low: like(earlier.low, later.low, rows),
    a: like(earlier.a, later.a, rows),
    b: like(earlier.b, later.b, rows),
    cursor: 0,
  };
  for (let at = 0, i = 0, j = 0; at < rows; at += 1) {
    const isEarlier = j === later.low.length || (i < earlier.low.length && keyAt(earlier, i) <= keyAt(later, j));
    if (isEarlier) copyRow(earlier, i++, merged, at);
    else copyRow(later, j++, merged, at);
  }
  return merged;
}

function copyRow(from: Chunk, i: number, to: Chunk, at: number): void {
  to.high[at] = from.high[i] as number;
  to.low[at] = from.low[i] as number;
  to.a[at] = from.a[i] as number;
  to.b[at] = from.b[i] as number;
}

/** Room for numbers of both. */
function like(one: Numbers, other: Numbers, length: number): Numbers {
  const bytes = Math.max(one.BYTES_PER_ELEMENT, other.BYTES_PER_ELEMENT);
  if (bytes === 1) return new Uint8Array(length);
  return bytes === 2 ? new Uint16Array(length) : new Uint32Array(length);
}

function narrow(numbers: Uint32Array): Numbers {
  let largest = 0;
  for (const number of numbers) if (number > largest) largest = number;
  if (largest < 2 ** 8) return Uint8Array.from(numbers);
  return largest < 2 ** 16 ? Uint16Array.from(numbers) : numbers;
}

function keyAt({ high, low }: Chunk, at: number): number {
  return (high[at] as number) * 2 ** 32 + (low[at] as number);
}

/** The first place whose key is not below `key`. */
function seek(chunk: Chunk, key: number): number {
  const {
    cursor,
    low: { length },
  } = chunk;
  const isBehind = cursor === 0 || keyAt(chunk, cursor - 1) < key;
  if (isBehind && (cursor === length || keyAt(chunk, cursor) >= key)) return cursor;
  let [first, end] = [0, length];
  while (first < end) {
    const middle = (first + end) >>> 1;
    if (keyAt(chunk, middle) < key) first = middle + 1;
    else end = middle;
  }
  return first;
}
