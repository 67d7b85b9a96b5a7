/** Values in a row; an array where they are few, so that millions need not be there at once. */
export interface List<T> extends Iterable<T> {
  readonly length: number;
  map<To>(change: (value: T) => To): To[];
}

/** A list with each of its values changed when it is asked for. */
export class Mapped<From, To> implements List<To> {
  constructor(
    private readonly values: Iterable<From> & { readonly length: number },
    private readonly change: (value: From) => To,
  ) {}

  get length(): number {
    return this.values.length;
  }

  map<T>(change: (value: To) => T): T[] {
    return Array.from(this, change);
  }

  /** As an array, where all of it is wanted as JSON. */
  toJSON(): To[] {
    return [...this];
  }

  *[Symbol.iterator](): Generator<To, void, undefined> {
    for (const value of this.values) yield this.change(value);
  }
}
