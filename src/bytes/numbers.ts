/** Numbers below 2^32, one after the other, 4 bytes each. */
export class Numbers {
  length = 0;
  private numbers = new Uint32Array(16);

  push(number: number): void {
    if (this.length === this.numbers.length) {
      const larger = new Uint32Array(2 * this.length);
      larger.set(this.numbers);
      this.numbers = larger;
    }
    this.numbers[this.length] = number;
    this.length += 1;
  }

  /** The last one, which goes. */
  pop(): number {
    this.length -= 1;
    return this.numbers[this.length] as number;
  }

  at(place: number): number {
    return this.numbers[place] as number;
  }

  /** A view, valid until the next `push`. */
  slice(start = 0, end = this.length): Uint32Array {
    return this.numbers.subarray(start, Math.min(end, this.length));
  }

  clear(): void {
    this.length = 0;
  }
}
