import { scatter } from '../../bytes/scatter';

const FIRST_SLOTS = 16;

/** Numbers below 2^32 by numbers below 2^32, in some 20 bytes each: checkpoints can have millions of ids. */
export class NumberMap {
  size = 0;
  private keys = new Uint32Array(FIRST_SLOTS);
  /** One more than the value; 0 where the slot is free. */
  private values = new Float64Array(FIRST_SLOTS);

  get(key: number): number | undefined {
    const value = this.values[this.slotOf(key)] as number;
    return value === 0 ? undefined : value - 1;
  }

  set(key: number, value: number): void {
    let slot = this.slotOf(key);
    if (this.values[slot] === 0) {
      if (2 * this.size >= this.keys.length) {
        this.grow();
        slot = this.slotOf(key);
      }
      this.size += 1;
    }
    this.keys[slot] = key;
    this.values[slot] = value + 1;
  }

  /** The same as `set` for a key that has no value yet; false, and nothing is done, for one that has. */
  add(key: number, value: number): boolean {
    const { size } = this;
    if (this.values[this.slotOf(key)] === 0) this.set(key, value);
    return this.size > size;
  }

  *entries(): Generator<[key: number, value: number]> {
    const { keys, values } = this;
    for (let slot = 0; slot < values.length; slot += 1) {
      const value = values[slot] as number;
      if (value !== 0) yield [keys[slot] as number, value - 1];
    }
  }

  /** Whether each key is its own value. */
  get isIdentity(): boolean {
    const { keys, values } = this;
    for (let slot = 0; slot < values.length; slot += 1) {
      const value = values[slot] as number;
      if (value !== 0 && value - 1 !== keys[slot]) return false;
    }
    return true;
  }

  private slotOf(key: number): number {
    const mask = this.keys.length - 1;
    let slot = scatter(key) & mask;
    while (this.values[slot] !== 0 && this.keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { keys, values } = this;
    this.keys = new Uint32Array(2 * keys.length);
    this.values = new Float64Array(2 * keys.length);
    for (let old = 0; old < values.length; old += 1) {
      const value = values[old] as number;
      if (value === 0) continue;
      const slot = this.slotOf(keys[old] as number);
      this.keys[slot] = keys[old] as number;
      this.values[slot] = value;
    }
  }
}
