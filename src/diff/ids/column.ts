const FIRST_ROWS = 256;

/** Numbers in a row that grows, 8 bytes each. */
export class Column {
  length = 0;
  private values = new Float64Array(FIRST_ROWS);

  push(value: number): void {
    if (this.length === this.values.length) {
      const { values } = this;
      this.values = new Float64Array(2 * values.length);
      this.values.set(values);
    }
    this.values[this.length] = value;
    this.length += 1;
  }

  clear(): void {
    this.length = 0;
  }

  at(row: number): number {
    return this.values[row] as number;
  }
}
