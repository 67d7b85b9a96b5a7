/** Where a sparse file has bytes: stretches in order, two numbers each. All else of the file is zeros. */
export class SparseMap {
  private numbers = new Float64Array(8);
  private used = 0;

  /** `size`: of the whole file. */
  constructor(readonly size: number) {}

  /** How many stretches there are. */
  get length(): number {
    return this.used / 2;
  }

  /** What the map takes in memory. */
  get bytes(): number {
    return this.numbers.byteLength;
  }

  /** Bytes in all stretches. */
  get stored(): number {
    let sum = 0;
    for (let i = 1; i < this.used; i += 2) sum += this.numbers[i] as number;
    return sum;
  }

  offset(i: number): number {
    return this.numbers[2 * i] as number;
  }

  bytesAt(i: number): number {
    return this.numbers[2 * i + 1] as number;
  }

  /** Where a stretch ends. */
  end(i: number): number {
    return this.offset(i) + this.bytesAt(i);
  }

  /** Throws RangeError if the stretch is not behind all others, or not in the file. */
  push(offset: number, bytes: number): void {
    const last = this.length === 0 ? 0 : this.end(this.length - 1);
    if (!(offset >= last && bytes >= 0)) throw new RangeError('a sparse file whose stretches are not in order');
    if (!(offset + bytes <= this.size)) throw new RangeError('a sparse file whose size does not fit');
    if (this.used === this.numbers.length) {
      const larger = new Float64Array(2 * this.used);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.used] = offset;
    this.numbers[this.used + 1] = bytes;
    this.used += 2;
  }

  /** A map of so many stretches at most: the shortest holes count as bytes. */
  atMost(stretches: number): SparseMap {
    let map: SparseMap = this;
    // A hole that is longer than the file is none, so this ends.
    for (let least = 1 << 17; map.length > stretches; least *= 2) map = map.withoutHolesBelow(least);
    return map;
  }

  /** A map without the holes that are shorter than `least`: they count as bytes. */
  withoutHolesBelow(least: number): SparseMap {
    const map = new SparseMap(this.size);
    let [begin, end] = [0, 0];
    const add = () => {
      if (end > begin) map.push(begin, end - begin);
    };
    for (let i = 0; i < this.length; i += 1) {
      if (this.offset(i) - end >= least) {
        add();
        begin = this.offset(i);
      }
      end = this.end(i);
    }
    if (this.size - end < least) end = this.size;
    add();
    return map;
  }
}
