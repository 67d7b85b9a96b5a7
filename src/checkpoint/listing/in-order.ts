const CHUNK_BITS = 14;
const CHUNK = 1 << CHUNK_BITS;

/** Millions of numbers, to be gone through in ascending order; 8 bytes each. */
export class SortedKeys {
  private readonly chunks: Float64Array[] = [];
  private sorted: Float64Array | undefined;
  private isAscending = true;
  /** Behind the key that was found last. */
  private cursor = 0;
  length = 0;

  /** Adds a key before `finish`. */
  add(key: number): void {
    if ((this.length & (CHUNK - 1)) === 0) this.chunks.push(new Float64Array(CHUNK));
    if (this.length > 0 && key < this.at(this.length - 1)) this.isAscending = false;
    this.length += 1;
    (this.chunks.at(-1) as Float64Array)[(this.length - 1) & (CHUNK - 1)] = key;
  }

  /** To be called when all keys are there. CRIU writes most images in ascending order. */
  finish(): void {
    if (this.isAscending) return;
    const all = new Float64Array(this.chunks.length * CHUNK);
    this.chunks.forEach((chunk, i) => {
      all.set(chunk, i * CHUNK);
    });
    this.sorted = all.subarray(0, this.length).sort();
    this.chunks.length = 0;
  }

  at(place: number): number {
    const value =
      this.sorted === undefined ? this.chunks[place >>> CHUNK_BITS]?.[place & (CHUNK - 1)] : this.sorted[place];
    return value as number;
  }

  /** A key that is there more than once. */
  firstRepeated(): number | undefined {
    for (let place = 1; place < this.length; place += 1) {
      if (this.at(place) === this.at(place - 1)) return this.at(place);
    }
    return undefined;
  }

  has(key: number): boolean {
    // Most look-ups come in ascending order.
    if (this.cursor < this.length && this.at(this.cursor) === key) {
      this.cursor += 1;
      return true;
    }
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.at(middle) < key) low = middle + 1;
      else high = middle;
    }
    if (low === this.length || this.at(low) !== key) return false;
    this.cursor = low + 1;
    return true;
  }
}

/** Hands values on in the order of their keys, which are known beforehand, each once: holds those that come too early. */
export class InOrder<T> {
  private next = 0;
  private readonly early = new Map<number, T>();

  constructor(private readonly keys: SortedKeys) {}

  put(key: number, value: T): void {
    this.early.set(key, value);
  }

  /** The next value, if its turn has come: it is there, and ready. */
  take(isReady: (value: T) => boolean): T | undefined {
    if (this.next === this.keys.length) return undefined;
    const key = this.keys.at(this.next);
    const value = this.early.get(key);
    if (value === undefined || !isReady(value)) return undefined;
    this.early.delete(key);
    this.next += 1;
    return value;
  }
}
