import { scatter } from '../bytes/scatter';

const PAGE_BITS = 10;
const WORDS_A_PAGE = 1 << (PAGE_BITS - 5);
/** A page takes some 300 bytes. Ids that lie so far apart that they need more pages are kept one by one. */
const MAX_PAGES = 1 << 15;

/**
 * A set of unsigned 32-bit ids: one bit each, for ids that lie as densely as CRIU's file ids do, and some 16 bytes for
 * those that do not.
 */
export class IdSet {
  private readonly pages = new Map<number, Uint32Array>();
  private readonly others = new SparseIds();
  private lastPage = -1;
  private last: Uint32Array = new Uint32Array(0);

  /** Adds an id; false where it was there. */
  add(id: number): boolean {
    const page = this.page(id >>> PAGE_BITS) ?? this.makePage(id >>> PAGE_BITS);
    if (page === undefined) return this.others.add(id);
    const word = (id >>> 5) & (WORDS_A_PAGE - 1);
    const before = page[word] as number;
    page[word] = before | (1 << (id & 31));
    return ((before >>> (id & 31)) & 1) === 0;
  }

  has(id: number): boolean {
    const page = this.page(id >>> PAGE_BITS);
    if (page === undefined) return this.others.has(id);
    return (((page[(id >>> 5) & (WORDS_A_PAGE - 1)] as number) >>> (id & 31)) & 1) === 1;
  }

  private page(number: number): Uint32Array | undefined {
    if (number === this.lastPage) return this.last;
    const page = this.pages.get(number);
    if (page !== undefined) {
      this.lastPage = number;
      this.last = page;
    }
    return page;
  }

  private makePage(number: number): Uint32Array | undefined {
    if (this.pages.size === MAX_PAGES) return undefined;
    const page = new Uint32Array(WORDS_A_PAGE);
    this.pages.set(number, page);
    this.lastPage = number;
    this.last = page;
    return page;
  }
}

/** Ids in a hash table of numbers: no object each. */
class SparseIds {
  private count = 0;
  /** 0: free. */
  private slots = new Uint32Array(0);
  private hasZero = false;

  add(id: number): boolean {
    if (id === 0) {
      const isNew = !this.hasZero;
      this.hasZero = true;
      return isNew;
    }
    if (2 * this.count >= this.slots.length) this.grow();
    const slot = this.slotOf(id);
    if (this.slots[slot] === id) return false;
    this.slots[slot] = id;
    this.count += 1;
    return true;
  }

  has(id: number): boolean {
    if (id === 0) return this.hasZero;
    return this.count > 0 && this.slots[this.slotOf(id)] === id;
  }

  /** Where the id is, or would be. */
  private slotOf(id: number): number {
    const mask = this.slots.length - 1;
    let slot = scatter(id) & mask;
    while (this.slots[slot] !== 0 && this.slots[slot] !== id) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Uint32Array(Math.max(1024, 2 * before.length));
    for (const id of before) if (id !== 0) this.slots[this.slotOf(id)] = id;
  }
}
