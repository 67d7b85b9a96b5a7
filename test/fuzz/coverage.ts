/**
 * Which branches of src/ an input takes, where tools/fuzz.js has put counters into them. Without counters there is
 * nothing to see, and the kinds of outcomes alone lead on.
 */
export class Coverage {
  private readonly counters = (globalThis as { fdgraftBranches?: Uint8Array }).fdgraftBranches;
  private readonly seen = new Uint8Array(this.counters?.length ?? 0);

  begin(): void {
    this.counters?.fill(0);
  }

  /** Whether a branch was taken that none of the inputs before took, or took many times more. */
  hasNew(): boolean {
    const { counters, seen } = this;
    if (counters === undefined) return false;
    let isNew = false;
    for (let i = 0; i < counters.length; i += 1) {
      const count = counters[i] as number;
      if (count === 0) continue;
      const bucket = BUCKETS[count] as number;
      if (((seen[i] as number) & bucket) !== 0) continue;
      seen[i] = (seen[i] as number) | bucket;
      isNew = true;
    }
    return isNew;
  }

  get branches(): number {
    return this.seen.reduce((sum, one) => sum + (one === 0 ? 0 : 1), 0);
  }
}

/** Once, some times, many times. */
const BUCKETS = Uint8Array.from({ length: 256 }, (_none, count) =>
  count < 2 ? 1 : count < 8 ? 2 : count < 64 ? 4 : 8,
);
