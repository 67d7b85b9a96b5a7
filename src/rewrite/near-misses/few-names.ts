/** More names than these are not told. */
const MAX_FEW = 10;

/** Gathers the names of all that there is of one sort. */
export class FewNames {
  private readonly names = new Set<string>();

  /** `what`: the sort, in the singular. */
  constructor(private readonly what: string) {}

  add(name: string): void {
    if (this.names.size <= MAX_FEW) this.names.add(name);
  }

  /** Undefined if there are too many. */
  told(): string | undefined {
    const { size } = this.names;
    if (size === 0) return `no ${this.what} is open in the checkpoint`;
    return size > MAX_FEW ? undefined : `there ${size === 1 ? 'is' : 'are'} ${[...this.names].join(', ')}`;
  }
}
