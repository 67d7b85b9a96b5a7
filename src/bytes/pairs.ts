/** Places of the higher and the lower half of a 64-bit number. */
const [HIGH, LOW] = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? [1, 0] : [0, 1];

/** Pairs of numbers below 2^32, 8 bytes each, sorted by the first and then the second. */
export class SortedPairs {
  private readonly words: Uint32Array;

  private constructor(readonly length: number) {
    this.words = new Uint32Array(2 * length);
  }

  /** `firstOf` and `secondOf`: by place, from 0. */
  static of(length: number, firstOf: (place: number) => number, secondOf: (place: number) => number): SortedPairs {
    const pairs = new SortedPairs(length);
    const { words } = pairs;
    for (let place = 0; place < length; place += 1) {
      words[2 * place + HIGH] = firstOf(place);
      words[2 * place + LOW] = secondOf(place);
    }
    new BigUint64Array(words.buffer).sort();
    return pairs;
  }

  first(place: number): number {
    return this.words[2 * place + HIGH] as number;
  }

  second(place: number): number {
    return this.words[2 * place + LOW] as number;
  }

  /** The first place whose first number is not below `first`. */
  seek(first: number): number {
    let [low, high] = [0, this.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.first(middle) < first) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
