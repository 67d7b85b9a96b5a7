const PAGE_BITS = 10;
const WORDS_A_PAGE = 1 << (PAGE_BITS - 5);

/** A set of unsigned 32-bit ids: one bit each, for ids that lie as densely as CRIU's file ids do. */
export class IdSet {
  private readonly pages = new Map<number, Uint32Array>();
  private lastPage = -1;
  private last: Uint32Array = new Uint32Array(0);

  /** Adds an id; false where it was there. */
  add(id: number): boolean {
    const page = this.page(id >>> PAGE_BITS) ?? this.makePage(id >>> PAGE_BITS);
    const word = (id >>> 5) & (WORDS_A_PAGE - 1);
    const before = page[word] as number;
    page[word] = before | (1 << (id & 31));
    return ((before >>> (id & 31)) & 1) === 0;
  }

  has(id: number): boolean {
    const page = this.page(id >>> PAGE_BITS);
    return page !== undefined && (((page[(id >>> 5) & (WORDS_A_PAGE - 1)] as number) >>> (id & 31)) & 1) === 1;
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

  private makePage(number: number): Uint32Array {
    const page = new Uint32Array(WORDS_A_PAGE);
    this.pages.set(number, page);
    this.lastPage = number;
    this.last = page;
    return page;
  }
}
