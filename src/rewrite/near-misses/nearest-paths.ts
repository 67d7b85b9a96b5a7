import { distance } from 'fastest-levenshtein';

const SLASH = 0x2f;
/** So many paths are kept that are equally near, and so many that have the same last part. */
const MAX_KEPT = 3;
/** A path is near if at most this claim of the wanted one differs, and never more than so many bytes. */
const NEAR_SHARE = 3;
const MAX_DISTANCE = 10;
/** Longer parts between what two paths begin and end with alike are not compared: that takes the square of it. */
const MAX_MIDDLE = 64;

/** Bounds the comparisons of one search, whatever the number of paths; a single typing error is found beyond it. */
export class ComparisonBudget {
  constructor(private left = 1 << 16) {}

  take(): boolean {
    this.left -= 1;
    return this.left >= 0;
  }
}

/** Finds, among paths that are shown one by one, those that come nearest to one that is not there. */
export class NearestPaths {
  private limit: number;
  private readonly baseLength: number;
  private nearest: Buffer[] = [];
  private readonly namesakes: Buffer[] = [];

  /** `wanted`: a path without its leading slash. */
  constructor(
    private readonly wanted: Buffer,
    private readonly budget: ComparisonBudget,
  ) {
    this.limit = Math.min(MAX_DISTANCE, Math.floor(wanted.length / NEAR_SHARE));
    this.baseLength = wanted.length - 1 - wanted.lastIndexOf(SLASH);
  }

  /** Considers the path `bytes[start, end)`, which has no leading slash. */
  see(bytes: Uint8Array, start: number, end: number): void {
    const { wanted } = this;
    const length = end - start;
    const shorter = Math.min(length, wanted.length);
    let after = 0;
    while (after < shorter && bytes[end - 1 - after] === wanted[wanted.length - 1 - after]) after += 1;
    if (after === length && length === wanted.length) return;
    if (this.baseLength > 0 && after >= this.baseLength) {
      const isWhole = length === this.baseLength || bytes[end - 1 - this.baseLength] === SLASH;
      if (isWhole) keep(this.namesakes, bytes, start, end);
    }
    if (Math.abs(length - wanted.length) > this.limit) return;
    let before = 0;
    while (before + after < shorter && bytes[start + before] === wanted[before]) before += 1;
    const found = this.distanceBetween(bytes, start + before, end - after, before, wanted.length - after);
    if (found > this.limit) return;
    if (found < this.limit) this.nearest = [];
    this.limit = found;
    keep(this.nearest, bytes, start, end);
  }

  /** Of the parts in the middle, `bytes[start, end)` and `wanted[from, to)`. */
  private distanceBetween(bytes: Uint8Array, start: number, end: number, from: number, to: number): number {
    const [shorter, longer] = [Math.min(end - start, to - from), Math.max(end - start, to - from)];
    if (shorter === 0 || longer === 1) return longer;
    if (longer > MAX_MIDDLE || !this.budget.take()) return Number.POSITIVE_INFINITY;
    const seen = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('latin1');
    return distance(seen, this.wanted.toString('latin1', from, to));
  }

  /** The nearest first, then those in other directories; without their leading slashes. */
  found(): Buffer[] {
    const all = [...this.nearest, ...this.namesakes.filter((path) => !this.nearest.some((near) => near.equals(path)))];
    return all.slice(0, MAX_KEPT);
  }
}

function keep(kept: Buffer[], bytes: Uint8Array, start: number, end: number): void {
  if (kept.length === MAX_KEPT) return;
  const path = Buffer.from(bytes.subarray(start, end));
  if (!kept.some((known) => known.equals(path))) kept.push(path);
}
